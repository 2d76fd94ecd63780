//! Constants: initializers, and what folding makes of them. Their values are read when they are used.

use super::super::assemble::finite;
use super::super::error::{Problem, printable};
use super::super::limits::{self, Budget};
use super::qdq::Quantized;
use super::schema::TensorProto;
use std::borrow::Cow;
use std::rc::Rc;

/// Numbers in a constant that is used as a list of integers.
const MOST_INTS: usize = 64;
/// Numbers in a constant that shape arithmetic computes with.
const MOST_FOLDED: usize = 1 << 16;

/// Element types by code.
pub(super) mod element {
    pub(super) const FLOAT: i32 = 1;
    pub(in super::super) const UINT8: i32 = 2;
    pub(in super::super) const INT8: i32 = 3;
    pub(in super::super) const INT32: i32 = 6;
    pub(super) const INT64: i32 = 7;
    pub(super) const BOOL: i32 = 9;
    pub(super) const FLOAT16: i32 = 10;
    pub(super) const DOUBLE: i32 = 11;
    pub(super) const BFLOAT16: i32 = 16;
}

/// The name of an element type.
pub(super) const fn element_name(code: i32) -> &'static str {
    match code {
        element::FLOAT => "float32",
        element::UINT8 => "uint8",
        element::INT8 => "int8",
        4 => "uint16",
        5 => "int16",
        element::INT32 => "int32",
        element::INT64 => "int64",
        8 => "string",
        element::BOOL => "bool",
        element::FLOAT16 => "float16",
        element::DOUBLE => "float64",
        12 => "uint32",
        13 => "uint64",
        element::BFLOAT16 => "bfloat16",
        17..=20 => "float8",
        21 => "uint4",
        22 => "int4",
        _ => "of an unknown element type",
    }
}

/// A constant array.
#[derive(Debug, Clone)]
pub(super) struct Constant<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) dims: Vec<usize>,
    pub(super) data: Data<'a>,
}

/// Where the values are.
#[derive(Debug, Clone)]
pub(super) enum Data<'a> {
    /// In the file.
    Proto(&'a TensorProto),
    /// Folded integers.
    Ints(Vec<i64>),
    /// Folded floats.
    Floats(Rc<[f32]>),
    /// Integers of a narrow type, folded.
    Narrow(Rc<[i32]>, i32),
    /// Integers that stand for real numbers.
    Quantized(Rc<Quantized>),
}

impl<'a> Constant<'a> {
    /// A constant of the file; its values are checked when they are read.
    pub(super) fn from_proto(name: &'a str, tensor: &'a TensorProto) -> Result<Self, Problem> {
        let bad =
            |what: String| Problem::malformed(format!("constant '{}' has {what}", printable(name)));
        if tensor.dims.len() > limits::RANK {
            return Err(bad(format!("rank {}", tensor.dims.len())));
        }
        let dims: Option<Vec<usize>> = tensor
            .dims
            .iter()
            .map(|d| usize::try_from(*d).ok())
            .collect();
        Ok(Self {
            name: name.into(),
            dims: dims.ok_or_else(|| bad(format!("dimensions {:?}", tensor.dims)))?,
            data: Data::Proto(tensor),
        })
    }

    /// Integers made by folding.
    pub(super) fn from_ints(name: &'a str, dims: Vec<usize>, values: Vec<i64>) -> Self {
        Self {
            name: name.into(),
            dims,
            data: Data::Ints(values),
        }
    }

    /// Number of values that the dimensions give.
    pub(super) fn count(&self) -> Result<usize, Problem> {
        self.dims
            .iter()
            .try_fold(1_usize, |n, d| n.checked_mul(*d))
            .ok_or_else(|| self.bad(&format!("dimensions {:?} overflow", self.dims)))
    }

    /// Whether the values are integers or truth values that shape arithmetic computes with.
    pub(super) const fn is_integer(&self) -> bool {
        match &self.data {
            Data::Proto(t) => {
                matches!(t.data_type, element::INT32 | element::INT64 | element::BOOL)
            }
            Data::Ints(_) => true,
            Data::Floats(_) | Data::Narrow(..) | Data::Quantized(_) => false,
        }
    }

    /// The values as finite floats.
    pub(super) fn floats(&self, budget: &mut Budget) -> Result<Vec<f32>, Problem> {
        let count = self.count()?;
        let values = match &self.data {
            Data::Proto(tensor) => self.proto_floats(tensor, count, budget)?,
            Data::Floats(values) => {
                budget.take(values.len())?;
                values.to_vec()
            }
            Data::Quantized(quantized) => {
                budget.take(quantized.values.len())?;
                quantized.real(&self.dims)
            }
            Data::Ints(_) | Data::Narrow(..) => return Err(self.bad("it is not float")),
        };
        finite(&self.name, &values)?;
        Ok(values)
    }

    /// The only value.
    pub(super) fn scalar(&self, budget: &mut Budget) -> Result<f32, Problem> {
        match self.floats(budget)?.as_slice() {
            [value] => Ok(*value),
            many => Err(self.bad(&format!("{} values where one is expected", many.len()))),
        }
    }

    fn proto_floats(
        &self,
        tensor: &TensorProto,
        count: usize,
        budget: &mut Budget,
    ) -> Result<Vec<f32>, Problem> {
        let raw = tensor.raw_data.as_deref();
        let halves = || tensor.int32_data.iter().map(|bits| bits.to_le_bytes());
        match (tensor.data_type, raw) {
            (element::FLOAT, Some(raw)) => {
                self.collect(raw, count, budget, |b: [u8; 4]| f32::from_le_bytes(b))
            }
            (element::FLOAT, None) => {
                self.sized(tensor.float_data.len(), count)?;
                budget.take(count)?;
                Ok(tensor.float_data.clone())
            }
            (element::DOUBLE, Some(raw)) => self.collect(raw, count, budget, |b: [u8; 8]| {
                narrow(f64::from_le_bytes(b))
            }),
            (element::DOUBLE, None) => {
                self.sized(tensor.double_data.len(), count)?;
                budget.take(count)?;
                Ok(tensor.double_data.iter().map(|v| narrow(*v)).collect())
            }
            (element::FLOAT16 | element::BFLOAT16, None) => {
                self.sized(tensor.int32_data.len(), count)?;
                budget.take(count)?;
                let convert = half_converter(tensor.data_type);
                Ok(halves().map(|[a, b, ..]| convert([a, b])).collect())
            }
            (element::FLOAT16 | element::BFLOAT16, Some(raw)) => {
                self.collect(raw, count, budget, half_converter(tensor.data_type))
            }
            (other, _) => Err(Problem::refused(
                format!(
                    "constant '{}' is {}, not float",
                    printable(&self.name),
                    element_name(other)
                ),
                "export the float32 model and let nnz quantise it with `--calib`",
            )),
        }
    }

    /// A short list of integers: axes, dimensions, paddings.
    pub(super) fn ints(&self) -> Result<Vec<i64>, Problem> {
        self.ints_up_to(MOST_INTS)
    }

    /// The integers of shape arithmetic.
    pub(super) fn many_ints(&self) -> Result<Vec<i64>, Problem> {
        self.ints_up_to(MOST_FOLDED)
    }

    fn ints_up_to(&self, most: usize) -> Result<Vec<i64>, Problem> {
        let count = self.count()?;
        if count > most {
            return Err(self.bad(&format!("{count} values where at most {most} are expected")));
        }
        let tensor = match &self.data {
            Data::Ints(values) => return Ok(values.clone()),
            Data::Floats(_) | Data::Narrow(..) | Data::Quantized(_) => {
                return Err(self.bad("it is not integer"));
            }
            Data::Proto(tensor) => tensor,
        };
        let mut free = Budget::for_file(0);
        match (tensor.data_type, tensor.raw_data.as_deref()) {
            (element::INT64, Some(raw)) => self.collect(raw, count, &mut free, i64::from_le_bytes),
            (element::INT32, Some(raw)) => {
                self.collect(raw, count, &mut free, |b| i64::from(i32::from_le_bytes(b)))
            }
            (element::BOOL, Some(raw)) => {
                self.collect(raw, count, &mut free, |[b]: [u8; 1]| i64::from(b != 0))
            }
            (element::INT64, None) => {
                self.sized(tensor.int64_data.len(), count)?;
                Ok(tensor.int64_data.clone())
            }
            (element::INT32 | element::BOOL, None) => {
                self.sized(tensor.int32_data.len(), count)?;
                Ok(tensor.int32_data.iter().map(|v| i64::from(*v)).collect())
            }
            (other, _) => Err(self.bad(&format!("it is {}, not integer", element_name(other)))),
        }
    }

    pub(super) fn collect<const N: usize, T>(
        &self,
        raw: &[u8],
        count: usize,
        budget: &mut Budget,
        convert: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Problem> {
        self.sized(raw.len(), count.saturating_mul(N))?;
        budget.take(count)?;
        let (chunks, _) = raw.as_chunks::<N>();
        Ok(chunks.iter().map(|b| convert(*b)).collect())
    }

    pub(super) fn sized(&self, found: usize, expected: usize) -> Result<(), Problem> {
        if found == expected {
            return Ok(());
        }
        Err(self.bad(&format!(
            "dimensions {:?} need {expected} numbers or bytes, there are {found}",
            self.dims
        )))
    }

    pub(super) fn bad(&self, what: &str) -> Problem {
        Problem::malformed(format!("constant '{}': {what}", printable(&self.name)))
    }
}

/// All values of a float tensor in the file; `None` where it is none.
pub(crate) fn floats_of(tensor: &TensorProto) -> Option<Vec<f32>> {
    let constant = Constant::from_proto(&tensor.name, tensor).ok()?;
    let len = constant.count().ok()?;
    constant.floats(&mut Budget::for_file(len as u64)).ok()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "what f32 cannot hold becomes infinite and is refused"
)]
const fn narrow(value: f64) -> f32 {
    value as f32
}

fn half_converter(data_type: i32) -> fn([u8; 2]) -> f32 {
    if data_type == element::BFLOAT16 {
        |b| half::bf16::from_le_bytes(b).to_f32()
    } else {
        |b| half::f16::from_le_bytes(b).to_f32()
    }
}
