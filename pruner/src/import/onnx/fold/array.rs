//! Small arrays of numbers, and the ways in which constant operators pick from them.
//!
//! Everything that moves values (transpose, slice, gather, expand) is a list of source positions, so that integers and
//! floats share it:
//!
//! ```text
//! strided(dims, strides, start)   position of (i, j, …) = start + i·strides[0] + j·strides[1] + …
//! ```
//!
//! What grows takes its values out of the budget before they are allocated.

use super::super::super::error::Problem;
use super::super::super::limits::{self, Budget};

/// Most integers that shape arithmetic may hold at once.
const MOST_INTS: usize = 1 << 16;

/// The numbers of an array; truth values are 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Numbers {
    /// Integers and truth values.
    Ints(Vec<i64>),
    /// Floats.
    Floats(Vec<f32>),
}

/// Numbers with dimensions.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array {
    pub(super) dims: Vec<usize>,
    pub(super) numbers: Numbers,
}

impl Numbers {
    const fn len(&self) -> usize {
        match self {
            Self::Ints(v) => v.len(),
            Self::Floats(v) => v.len(),
        }
    }

    fn pick(&self, positions: &[usize]) -> Result<Self, Problem> {
        fn all<T: Copy>(values: &[T], positions: &[usize]) -> Option<Vec<T>> {
            positions.iter().map(|p| values.get(*p).copied()).collect()
        }
        let picked = match self {
            Self::Ints(v) => all(v, positions).map(Self::Ints),
            Self::Floats(v) => all(v, positions).map(Self::Floats),
        };
        picked.ok_or_else(|| Problem::malformed("a constant operator reads past its input"))
    }
}

impl Array {
    /// An array whose numbers are as many as its dimensions say.
    pub(super) fn new(dims: Vec<usize>, numbers: Numbers) -> Result<Self, Problem> {
        if count(&dims)? == numbers.len() {
            return Ok(Self { dims, numbers });
        }
        Err(Problem::malformed(format!(
            "{} numbers for dimensions {dims:?}",
            numbers.len()
        )))
    }

    /// The numbers at `positions` with other dimensions.
    pub(super) fn picked(&self, dims: Vec<usize>, positions: &[usize]) -> Result<Self, Problem> {
        Self::new(dims, self.numbers.pick(positions)?)
    }

    /// Distance between neighbours along each axis.
    pub(super) fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1_usize; self.dims.len()];
        for axis in (1..self.dims.len()).rev() {
            strides[axis - 1] = strides[axis].saturating_mul(self.dims[axis]);
        }
        strides
    }

    /// Axes in another order.
    pub(super) fn transposed(&self, perm: &[usize]) -> Result<Self, Problem> {
        let strides = self.strides();
        let dims: Vec<usize> = perm.iter().map(|a| self.dims[*a]).collect();
        let turned: Vec<i64> = perm.iter().map(|a| signed(strides[*a])).collect();
        self.picked(dims.clone(), &strided(&dims, &turned, 0)?)
    }

    /// Repeated along axes of length 1, and along new axes in front.
    pub(super) fn expanded(&self, dims: &[usize], budget: &mut Budget) -> Result<Self, Problem> {
        budget.take(bounded(dims, &self.numbers)?)?;
        let lead = dims.len().checked_sub(self.dims.len());
        let bad = || Problem::malformed(format!("{:?} does not expand to {dims:?}", self.dims));
        let lead = lead.ok_or_else(bad)?;
        let own = self.strides();
        let mut strides = vec![0; dims.len()];
        for (axis, (n, stride)) in self.dims.iter().zip(own).enumerate() {
            if *n == dims[lead + axis] {
                strides[lead + axis] = signed(stride);
            } else if *n != 1 {
                return Err(bad());
            }
        }
        self.picked(dims.to_vec(), &strided(dims, &strides, 0)?)
    }

    /// What `indices` select along `axis`.
    pub(super) fn gathered(
        &self,
        axis: usize,
        indices: &[i64],
        shape: &[usize],
        budget: &mut Budget,
    ) -> Result<Self, Problem> {
        let len = self.dims[axis];
        let inner: usize = self.dims[axis + 1..].iter().product();
        let outer: usize = self.dims[..axis].iter().product();
        let mut dims = self.dims[..axis].to_vec();
        dims.extend(shape);
        dims.extend(&self.dims[axis + 1..]);
        budget.take(bounded(&dims, &self.numbers)?)?;
        let mut positions = Vec::new();
        for o in 0..outer {
            for index in indices {
                let from_end = if *index < 0 { signed(len) } else { 0 };
                let at = usize::try_from(index.saturating_add(from_end)).unwrap_or(len);
                if at >= len {
                    return Err(Problem::malformed(format!("index {index} of {len}")));
                }
                positions.extend((0..inner).map(|i| (o * len + at) * inner + i));
            }
        }
        self.picked(dims, &positions)
    }
}

/// Number of values of dimensions, bounded like an activation, also where one of them is 0.
pub(super) fn count(dims: &[usize]) -> Result<usize, Problem> {
    let all = dims
        .iter()
        .try_fold(1_usize, |n, d| n.checked_mul((*d).max(1)));
    match all {
        Some(n) if n <= limits::ACTIVATION && dims.len() <= limits::RANK => {
            Ok(if dims.contains(&0) { 0 } else { n })
        }
        _ => Err(Problem::Limit {
            what: "values of a computed constant",
            found: all.map_or(u64::MAX, |n| n as u64),
            limit: limits::ACTIVATION as u64,
        }),
    }
}

/// Refuses results that are larger than shape arithmetic, or an activation, ever is.
pub(super) fn bounded(dims: &[usize], like: &Numbers) -> Result<usize, Problem> {
    let all = count(dims)?;
    if matches!(like, Numbers::Ints(_)) && all > MOST_INTS {
        return Err(Problem::Limit {
            what: "integers of a computed constant",
            found: all as u64,
            limit: MOST_INTS as u64,
        });
    }
    Ok(all)
}

/// The positions that walking `dims` with these strides visits.
pub(super) fn strided(dims: &[usize], strides: &[i64], start: i64) -> Result<Vec<usize>, Problem> {
    let all = count(dims)?;
    let mut positions = Vec::with_capacity(all);
    let mut at = vec![0_usize; dims.len()];
    let mut position = start;
    for _ in 0..all {
        let here = usize::try_from(position);
        positions.push(here.map_err(|_| Problem::malformed("a position before the first"))?);
        for axis in (0..dims.len()).rev() {
            at[axis] += 1;
            position = position.wrapping_add(strides[axis]);
            if at[axis] < dims[axis] {
                break;
            }
            position = position.wrapping_sub(strides[axis].wrapping_mul(signed(dims[axis])));
            at[axis] = 0;
        }
    }
    Ok(positions)
}

/// The dimensions of two arrays that broadcast to each other.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Problem> {
    let rank = a.len().max(b.len());
    let padded = |dims: &[usize], axis: usize| {
        let lead = rank - dims.len();
        if axis < lead { 1 } else { dims[axis - lead] }
    };
    (0..rank)
        .map(|axis| match (padded(a, axis), padded(b, axis)) {
            (x, y) if x == y || y == 1 => Ok(x),
            (1, y) => Ok(y),
            _ => Err(Problem::malformed(format!(
                "{a:?} and {b:?} do not broadcast"
            ))),
        })
        .collect()
}

/// A length as a signed number.
pub(super) fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
