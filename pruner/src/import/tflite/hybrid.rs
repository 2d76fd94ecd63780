//! Integer weights between float activations ("dynamic range" models): real numbers on import.
//!
//! TFLite rounds the activations of such layers to 8 bits while it runs; here they stay floats, which is closer to the
//! network that was trained. So outputs differ from TFLite's by what that rounding does.

use super::super::error::{Problem, printable};
use super::Importer;
use super::constants::Constant;

impl<'a> Importer<'a> {
    /// The real values of an 8-bit integer constant, in the source's order.
    pub(super) fn real_weights(&mut self, constant: &Constant<'a>) -> Result<Vec<f32>, Problem> {
        let count = constant.count()?;
        self.assembler.budget.take(count)?;
        let integers = constant.bytes_as_integers()?;
        let (scales, zeros) = constant.steps();
        let axis = usize::try_from(constant.axis()).unwrap_or(usize::MAX);
        let along = constant.dims.get(axis).copied().unwrap_or(1).max(1);
        let inner: usize = constant
            .dims
            .get(axis.saturating_add(1)..)
            .unwrap_or(&[])
            .iter()
            .product();
        if scales.is_empty() || !(scales.len() == 1 || scales.len() == along) {
            return Err(Problem::malformed(format!(
                "integer weights '{}' have {} scales",
                printable(&constant.name),
                scales.len()
            )));
        }
        let step = |i: usize| match scales.len() {
            1 => 0,
            _ => i / inner.max(1) % along,
        };
        let real = |(i, q): (usize, &i16)| {
            let zero = zeros.get(step(i)).copied().unwrap_or(0.0);
            scales[step(i)] * (f32::from(*q) - zero)
        };
        self.hybrid += 1;
        Ok(integers.iter().enumerate().map(real).collect())
    }

    /// Tells of integer weights that became floats.
    pub(super) fn note_hybrid(&mut self) {
        if self.hybrid > 0 {
            self.assembler.graph.notes.push(format!(
                "hybrid model: {} layers have integer weights between float activations; the weights became floats. \
                 TFLite also rounds the activations of such layers to 8 bits while it runs, so its outputs differ slightly; \
                 `--calib` makes the whole network int8",
                self.hybrid
            ));
        }
    }
}
