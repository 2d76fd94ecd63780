//! Sums and products: of two activations, or per-channel scale and shift by constants.

use super::super::assemble::finite;
use super::super::error::{Problem, printable};
use super::super::geometry::channel_axis;
use super::constants::Constant;
use super::shuffle::pair;
use super::{Call, Importer, Value};
use crate::ir::{Bias, BinaryKind, Clamp, Op, TensorId};

/// `BatchNormalization` at inference: `scale = γ/√(σ² + ε)`, `shift = β − μ·scale`.
pub(in crate::import) fn batch_normalization<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let attributes = call.attributes();
    if attributes.int("training_mode", 0) != 0 {
        return Err(Problem::refused(
            "it is in training mode",
            "export the model in evaluation mode (`model.eval()`)",
        ));
    }
    let input = importer.input(call, 0)?;
    let tensor = importer.tensor(input);
    let channels = tensor.shape.c;
    if channel_axis(&tensor.source) != Some(1) {
        return Err(Problem::unsupported(format!(
            "batch normalisation of {:?}",
            tensor.source.dims
        )));
    }
    let mut parameters = [const { Vec::new() }; 4];
    for (i, slot) in parameters.iter_mut().enumerate() {
        let (constant, values) = importer.floats(call, i + 1)?;
        if values.len() != channels {
            return Err(Problem::malformed(format!(
                "'{}' has {} values for {channels} channels",
                printable(&constant.name),
                values.len()
            )));
        }
        *slot = values;
    }
    let [gamma, beta, mean, variance] = parameters;
    let epsilon = f64::from(attributes.float("epsilon").unwrap_or(1e-5));
    let exact: Vec<f64> = gamma
        .iter()
        .zip(&variance)
        .map(|(g, v)| f64::from(*g) / (f64::from(*v) + epsilon).sqrt())
        .collect();
    let shift = beta
        .iter()
        .zip(&mean)
        .zip(&exact)
        .map(|((b, m), s)| narrow(f64::from(*b) - f64::from(*m) * s))
        .collect();
    let scale = exact.into_iter().map(narrow).collect();
    importer.emit_affine(call, input, scale, shift)
}

/// `Add` of two activations, or of a constant per channel.
pub(in crate::import) fn add<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    match importer.operands(call)? {
        Operands::Activations(a, b) => {
            let (x, y) = (importer.tensor(a), importer.tensor(b));
            if x.source != y.source {
                return pair(importer, call, BinaryKind::Add, (a, b));
            }
            let source = x.source.clone();
            importer.emit(
                call,
                Op::Add(Clamp::NONE),
                &[a, b],
                &source.dims,
                source.order,
            )?;
            Ok(())
        }
        Operands::Constant(input, constant, _) => {
            if importer.becomes_bias(call, input, &constant)? {
                return Ok(());
            }
            let shift = importer.per_channel(input, &constant)?;
            importer.emit_affine(call, input, vec![1.0; shift.len()], shift)
        }
    }
}

/// `Sub` with a constant per channel.
pub(in crate::import) fn sub<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    if let Operands::Activations(a, b) = importer.operands(call)? {
        return pair(importer, call, BinaryKind::Sub, (a, b));
    }
    let (input, constant, is_first) = importer.one_constant(call)?;
    let mut shift = importer.per_channel(input, &constant)?;
    let scale = if is_first {
        vec![1.0; shift.len()]
    } else {
        vec![-1.0; shift.len()]
    };
    if is_first {
        shift.iter_mut().for_each(|v| *v = -*v);
    }
    importer.emit_affine(call, input, scale, shift)
}

/// `Mul` by a constant per channel.
pub(in crate::import) fn mul<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    if let Operands::Activations(a, b) = importer.operands(call)? {
        return pair(importer, call, BinaryKind::Mul, (a, b));
    }
    let (input, constant, _) = importer.one_constant(call)?;
    let scale = importer.per_channel(input, &constant)?;
    let shift = vec![0.0; scale.len()];
    importer.emit_affine(call, input, scale, shift)
}

/// `Div` by a constant per channel.
pub(in crate::import) fn div<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    if let Operands::Activations(a, b) = importer.operands(call)? {
        return pair(importer, call, BinaryKind::Div, (a, b));
    }
    let (input, constant, is_first) = importer.one_constant(call)?;
    if !is_first {
        return Err(Problem::unsupported(
            "dividing by an activation is not supported",
        ));
    }
    let scale: Vec<f32> = importer
        .per_channel(input, &constant)?
        .iter()
        .map(|v| v.recip())
        .collect();
    finite(&constant.name, &scale)?;
    let shift = vec![0.0; scale.len()];
    importer.emit_affine(call, input, scale, shift)
}

/// What a two-sided operator works on.
enum Operands<'a> {
    Activations(TensorId, TensorId),
    /// With whether the activation comes first.
    Constant(TensorId, Constant<'a>, bool),
}

impl<'a> Importer<'a> {
    fn operands(&self, call: &Call<'a>) -> Result<Operands<'a>, Problem> {
        match (self.value(call, 0)?, self.value(call, 1)?) {
            (Some(Value::Activation(a)), Some(Value::Activation(b))) => {
                Ok(Operands::Activations(a, b))
            }
            (Some(Value::Activation(a)), Some(Value::Constant(c))) => {
                Ok(Operands::Constant(a, c, true))
            }
            (Some(Value::Constant(c)), Some(Value::Activation(a))) => {
                Ok(Operands::Constant(a, c, false))
            }
            _ => Err(Problem::unsupported(
                "it needs two inputs, one an activation",
            )),
        }
    }

    fn one_constant(&self, call: &Call<'a>) -> Result<(TensorId, Constant<'a>, bool), Problem> {
        match self.operands(call)? {
            Operands::Constant(input, constant, is_first) => Ok((input, constant, is_first)),
            Operands::Activations(..) => Err(Problem::refused(
                "two activations are not supported here",
                "only constants per channel are; sums of activations (Add) also work",
            )),
        }
    }

    /// One value a channel from a constant that broadcasts along rows and columns only.
    pub(super) fn per_channel(
        &mut self,
        input: TensorId,
        constant: &Constant<'a>,
    ) -> Result<Vec<f32>, Problem> {
        let tensor = self.assembler.graph.tensor(input);
        let (channels, rank) = (tensor.shape.c, tensor.source.dims.len());
        let axis = channel_axis(&tensor.source);
        let lead = rank.checked_sub(constant.dims.len());
        let fits = lead.is_some_and(|lead| {
            constant
                .dims
                .iter()
                .enumerate()
                .all(|(d, n)| *n == 1 || (Some(d + lead) == axis && *n == channels))
        });
        if !fits {
            return Err(Problem::refused(
                format!(
                    "constant '{}' of dimensions {:?} does not act per channel on {:?}",
                    printable(&constant.name),
                    constant.dims,
                    tensor.source.dims
                ),
                "only one number, or one a channel, is supported",
            ));
        }
        self.assembler.budget.take(2 * channels)?;
        let mut values = constant.floats(&mut self.assembler.budget)?;
        values.resize(channels, values.first().copied().unwrap_or(0.0));
        Ok(values)
    }

    fn emit_affine(
        &mut self,
        call: &Call<'a>,
        input: TensorId,
        scale: Vec<f32>,
        shift: Vec<f32>,
    ) -> Result<(), Problem> {
        finite(&call.name, &scale)?;
        finite(&call.name, &shift)?;
        self.emit_like(call, Op::ChannelAffine { scale, shift }, input)
    }

    /// Makes a constant the bias of the matrix product that wrote `input`, if only this sum reads it.
    fn becomes_bias(
        &mut self,
        call: &Call<'a>,
        input: TensorId,
        constant: &Constant<'a>,
    ) -> Result<bool, Problem> {
        let name = self.tensor(input).name.clone();
        let is_private = self
            .readers
            .get(name.as_str())
            .is_some_and(|r| r.len() == 1)
            && !self.outputs.contains(name.as_str());
        let Some(producer) = self.assembler.graph.producer(input).filter(|_| is_private) else {
            return Ok(false);
        };
        let bare = |op: &Op| matches!(op, Op::FullyConnected(f) if f.bias == Bias::None);
        if !self
            .assembler
            .graph
            .nodes
            .get(producer)
            .is_some_and(|n| bare(&n.op))
        {
            return Ok(false);
        }
        let shift = self.per_channel(input, constant)?;
        if let Some(Op::FullyConnected(layer)) = self
            .assembler
            .graph
            .nodes
            .get_mut(producer)
            .map(|n| &mut n.op)
        {
            layer.bias = Bias::F32(shift);
        }
        call.output()?
            .clone_into(&mut self.assembler.graph.tensor_mut(input).name);
        self.bind(call.output()?, Value::Activation(input))?;
        Ok(true)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "what f32 cannot hold becomes infinite and is refused"
)]
const fn narrow(value: f64) -> f32 {
    value as f32
}
