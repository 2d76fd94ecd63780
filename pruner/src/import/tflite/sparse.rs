//! TFLite's sparse encoding of constants, as its format describes it, back to dense bytes.
//!
//! ```text
//! traversal order   the tensor's n dimensions and its k block dimensions (n, n + 1, …), outermost first
//! block map         which dimension each block dimension divides
//! levels            one a step of the traversal: DENSE (all indices) or SPARSE_CSR (segments, indices)
//! values            in the order in which the levels visit them
//! ```
//!
//! The walk keeps, level by level, where the positions reached so far lie in the dense tensor; there are never more of
//! them than dense values, which were taken out of the budget before.

use super::super::error::Problem;
use super::super::limits;
use super::flatbuffer::Table;

/// `DimensionMetadata.format`.
const DENSE: i8 = 0;
const SPARSE_CSR: i8 = 1;

/// One level of the traversal.
#[derive(Debug)]
struct Level {
    /// Indices along it.
    size: usize,
    /// Dense elements between two indices.
    stride: usize,
    /// Segments and indices, where not all indices are stored.
    sparse: Option<(Vec<usize>, Vec<usize>)>,
}

/// Dense bytes of a constant of `dims`, elements of `size` bytes, stored as `values` under `sparsity`.
///
/// The caller has taken the dense elements out of the budget.
pub(super) fn densify(
    sparsity: &Table<'_>,
    dims: &[usize],
    values: &[u8],
    size: usize,
) -> Result<Vec<u8>, Problem> {
    let count = dims.iter().try_fold(1_usize, |n, d| n.checked_mul(*d));
    let count = count.ok_or_else(|| bad("dimensions that overflow"))?;
    let levels = levels(sparsity, dims)?;
    let mut reached = vec![(0_usize, 0_usize)];
    for level in &levels {
        reached = descend(&reached, level, count)?;
    }
    let mut dense = vec![0; count.saturating_mul(size)];
    if reached.len().checked_mul(size) != Some(values.len()) {
        return Err(bad("another number of values than its levels reach"));
    }
    for (at, position) in reached {
        let from = position.saturating_mul(size);
        let target = dense.get_mut(at * size..(at + 1) * size);
        match (target, values.get(from..from.saturating_add(size))) {
            (Some(target), Some(value)) => target.copy_from_slice(value),
            _ => return Err(bad("a value outside the tensor")),
        }
    }
    Ok(dense)
}

/// The places that one level leads to: (dense element, position in the next level).
fn descend(
    reached: &[(usize, usize)],
    level: &Level,
    most: usize,
) -> Result<Vec<(usize, usize)>, Problem> {
    let mut next = Vec::new();
    for &(at, position) in reached {
        let room = most.saturating_sub(next.len());
        match &level.sparse {
            None if level.size <= room => {
                let first = position.saturating_mul(level.size);
                next.extend((0..level.size).map(|i| (at + i * level.stride, first + i)));
            }
            Some((segments, indices)) => {
                let ends = segments.get(position).zip(segments.get(position + 1));
                let (start, end) = ends.ok_or_else(|| bad("too few segments"))?;
                let part = indices.get(*start..*end);
                let part = part.filter(|part| part.len() <= room);
                let part = part.ok_or_else(|| bad("a segment past its indices"))?;
                for (i, index) in part.iter().enumerate() {
                    if *index >= level.size {
                        return Err(bad("an index outside its dimension"));
                    }
                    next.push((at + index * level.stride, start + i));
                }
            }
            None => return Err(bad("more places than the tensor has")),
        }
    }
    Ok(next)
}

/// The levels in the order of the traversal, their sizes checked against the tensor's dimensions.
fn levels(sparsity: &Table<'_>, dims: &[usize]) -> Result<Vec<Level>, Problem> {
    let order = numbers(sparsity, 0)?;
    let blocks = numbers(sparsity, 1)?;
    let metadata = sparsity.tables(2)?;
    let ranks = dims.len() + blocks.len();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..ranks) || metadata.len() != ranks {
        return Err(bad("a traversal that is no order of its dimensions"));
    }
    let mut divided: Vec<usize> = dims.to_vec();
    let mut strides = vec![1_usize; ranks];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(dims[axis]);
    }
    let mut sizes = vec![0; blocks.len()];
    for (level, axis) in order.iter().enumerate() {
        let Some(block) = axis.checked_sub(dims.len()) else {
            continue;
        };
        let size = usize::try_from(metadata.get(level)?.number::<i32>(1, 0)?).unwrap_or(0);
        let whole = divided.get_mut(blocks[block]);
        let whole = whole.filter(|n| size > 0 && n.is_multiple_of(size));
        let whole = whole.ok_or_else(|| bad("blocks that do not divide their dimension"))?;
        *whole /= size;
        sizes[block] = size;
        strides[*axis] = strides[blocks[block]];
        strides[blocks[block]] = strides[blocks[block]].saturating_mul(size);
    }
    let level = |(level, axis): (usize, &usize)| {
        let size = axis
            .checked_sub(dims.len())
            .map_or_else(|| divided[*axis], |block| sizes[block]);
        Level::read(&metadata.get(level)?, size, strides[*axis])
    };
    order.iter().enumerate().map(level).collect()
}

impl Level {
    fn read(table: &Table<'_>, size: usize, stride: usize) -> Result<Self, Problem> {
        let sparse = match table.number::<i8>(0, 0)? {
            DENSE => {
                let stated = table.number::<i32>(1, 0)?;
                if usize::try_from(stated) != Ok(size) {
                    return Err(bad("a dense level of another size than its dimension"));
                }
                None
            }
            SPARSE_CSR => Some((list(table, 2)?, list(table, 4)?)),
            other => return Err(bad(&format!("a level of format {other}"))),
        };
        Ok(Self {
            size,
            stride,
            sparse,
        })
    }
}

/// The numbers in the union of field `id` (its type) and the field after it: 32, 16 or 8 bits wide.
fn list(table: &Table<'_>, id: usize) -> Result<Vec<usize>, Problem> {
    let Some(vector) = table.table(id + 1)? else {
        return Ok(Vec::new());
    };
    match table.number::<u8>(id, 0)? {
        1 => vector.numbers::<i32>(0)?.iter().map(index).collect(),
        2 => Ok(vector.numbers::<u16>(0)?.iter().map(usize::from).collect()),
        3 => Ok(vector.numbers::<u8>(0)?.iter().map(usize::from).collect()),
        other => Err(bad(&format!("indices of type {other}"))),
    }
}

/// A short list of dimensions.
fn numbers(table: &Table<'_>, id: usize) -> Result<Vec<usize>, Problem> {
    let found = table.numbers::<i32>(id)?;
    if found.len() > 2 * limits::RANK {
        return Err(bad("too many dimensions"));
    }
    found.iter().map(index).collect()
}

fn index(value: i32) -> Result<usize, Problem> {
    usize::try_from(value).map_err(|_| bad("a negative index"))
}

fn bad(what: &str) -> Problem {
    Problem::malformed(format!("a sparse tensor has {what}"))
}
