//! Activations with a table: slopes of negative values, and functions of one value.

use super::LowerError;
use super::convert::{is_s8, quant};
use super::nodes::Lowering;
use crate::arith;
use crate::ir::{Node, Slopes, Unary};
use nnz_format::encode::{self, Blob};
use nnz_format::{Op, PreluParams};

impl Lowering<'_> {
    /// Slopes become a table of one number a channel.
    pub(super) fn prelu(&mut self, node: &Node, slopes: &Slopes) -> Result<(), LowerError> {
        let (params, table) = match slopes {
            Slopes::F32(values) => (PreluParams::default(), encode::table_f32(values)),
            Slopes::S8 { values, scale } => {
                let (from, to) = (quant(self.input(node)), quant(self.output(node)));
                let params = arith::prelu_params(from, *scale, to);
                (params, encode::table_i16(values))
            }
        };
        self.tabled(node, Op::Prelu { params }, table)
    }

    /// A function of integers becomes a table of its results; one of floats is computed.
    pub(super) fn unary(&mut self, node: &Node, unary: &Unary) -> Result<(), LowerError> {
        if is_s8(self.input(node)) {
            let (from, to) = (quant(self.input(node)), quant(self.output(node)));
            let table = arith::unary_table(unary, from, to);
            return self.tabled(node, Op::UnaryS8, encode::table_s8(&table));
        }
        let parameters = unary.function.parameters();
        let op = Op::UnaryF32 {
            function: unary.function,
            alpha: if parameters > 0 { unary.alpha } else { 0.0 },
            beta: if parameters > 1 { unary.beta } else { 0.0 },
        };
        self.plain(node, op)
    }

    /// A step with a table.
    pub(super) fn tabled(&mut self, node: &Node, op: Op, table: Blob) -> Result<(), LowerError> {
        self.plain(node, op)?;
        if let Some(step) = self.program.steps.last_mut() {
            step.weights = Some(table);
        }
        Ok(())
    }
}
