//! A reader for `FlatBuffers` that checks every offset when it is followed.
//!
//! ```text
//! root offset u32 ─► table: [i32 distance back to its vtable][fields …]
//!                    vtable: [u16 its bytes][u16 bytes of the table][u16 offset in the table, or 0]…
//! vector: [u32 count][elements]      string: a vector of bytes      table in a field: u32 offset forward
//! ```
//!
//! Nothing is verified up front and nothing is copied: each access reads little-endian bytes at a position that
//! was just compared with the buffer's length, so that no bytes can do more than yield [`Broken`]. Tables are
//! followed one at a time; there is no recursion.

use super::super::error::Problem;

/// An offset that leaves the file, or a field outside its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import) struct Broken {
    /// Position in the file that could not be read.
    pub(in crate::import) at: usize,
}

impl From<Broken> for Problem {
    fn from(broken: Broken) -> Self {
        Self::malformed(broken.to_string())
    }
}

impl core::fmt::Display for Broken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "an offset at byte {} leads out of the file", self.at)
    }
}

/// A fixed-width little-endian number.
pub(in crate::import) trait Scalar: Copy {
    /// Bytes of one.
    const SIZE: usize;
    /// Reads one from exactly `SIZE` bytes.
    fn read(bytes: &[u8]) -> Option<Self>;
}

macro_rules! scalars {
    ($($t:ty),*) => {$(
        impl Scalar for $t {
            const SIZE: usize = size_of::<$t>();
            fn read(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_le_bytes)
            }
        }
    )*};
}
scalars!(u8, i8, u16, i32, u32, i64, u64, f32);

fn scalar<T: Scalar>(bytes: &[u8], at: usize) -> Result<T, Broken> {
    at.checked_add(T::SIZE)
        .and_then(|end| bytes.get(at..end))
        .and_then(T::read)
        .ok_or(Broken { at })
}

/// Follows the forward offset stored at `at`.
fn follow(bytes: &[u8], at: usize) -> Result<usize, Broken> {
    let offset = scalar::<u32>(bytes, at)?;
    usize::try_from(offset)
        .ok()
        .and_then(|o| at.checked_add(o))
        .filter(|target| *target < bytes.len())
        .ok_or(Broken { at })
}

/// A table whose vtable lies inside the file.
#[derive(Debug, Clone, Copy)]
pub(in crate::import) struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
    vtable: usize,
    vtable_len: usize,
    len: usize,
}

impl<'a> Table<'a> {
    /// The root table of a file.
    pub(in crate::import) fn root(bytes: &'a [u8]) -> Result<Self, Broken> {
        Self::new(bytes, follow(bytes, 0)?)
    }

    fn new(bytes: &'a [u8], at: usize) -> Result<Self, Broken> {
        let broken = Broken { at };
        let back = i64::from(scalar::<i32>(bytes, at)?);
        let vtable = i64::try_from(at)
            .ok()
            .and_then(|at| at.checked_sub(back))
            .and_then(|v| usize::try_from(v).ok())
            .ok_or(broken)?;
        let vtable_len = usize::from(scalar::<u16>(bytes, vtable)?);
        let len = usize::from(scalar::<u16>(bytes, vtable.saturating_add(2))?);
        let inside =
            |start: usize, n: usize| start.checked_add(n).is_some_and(|e| e <= bytes.len());
        if vtable_len < 4 || len < 4 || !inside(vtable, vtable_len) || !inside(at, len) {
            return Err(broken);
        }
        Ok(Self {
            bytes,
            at,
            vtable,
            vtable_len,
            len,
        })
    }

    /// Where field `id` lies, if it is present and `size` bytes of it are inside the table.
    fn field(&self, id: usize, size: usize) -> Result<Option<usize>, Broken> {
        let slot = 4 + 2 * id;
        if slot + 2 > self.vtable_len {
            return Ok(None);
        }
        let offset = usize::from(scalar::<u16>(self.bytes, self.vtable + slot)?);
        if offset == 0 {
            return Ok(None);
        }
        if offset < 4 || offset + size > self.len {
            return Err(Broken {
                at: self.vtable + slot,
            });
        }
        Ok(Some(self.at + offset))
    }

    /// The number in field `id`, or `default` where the field is absent.
    pub(in crate::import) fn number<T: Scalar>(&self, id: usize, default: T) -> Result<T, Broken> {
        self.field(id, T::SIZE)?
            .map_or(Ok(default), |at| scalar(self.bytes, at))
    }

    /// The table in field `id`.
    pub(in crate::import) fn table(&self, id: usize) -> Result<Option<Self>, Broken> {
        self.field(id, 4)?
            .map(|at| Self::new(self.bytes, follow(self.bytes, at)?))
            .transpose()
    }

    /// The vector of numbers in field `id`; empty where the field is absent.
    pub(in crate::import) fn numbers<T: Scalar>(
        &self,
        id: usize,
    ) -> Result<Numbers<'a, T>, Broken> {
        Ok(Numbers {
            bytes: self.elements(id, T::SIZE)?,
            number: core::marker::PhantomData,
        })
    }

    /// The vector of tables in field `id`; empty where the field is absent.
    pub(in crate::import) fn tables(&self, id: usize) -> Result<Tables<'a>, Broken> {
        let elements = self.elements(id, 4)?;
        Ok(Tables {
            bytes: self.bytes,
            start: match self.field(id, 4)? {
                Some(at) => follow(self.bytes, at)? + 4,
                None => 0,
            },
            len: elements.len() / 4,
        })
    }

    /// The bytes of the string in field `id`; empty where the field is absent.
    pub(in crate::import) fn string(&self, id: usize) -> Result<&'a [u8], Broken> {
        self.elements(id, 1)
    }

    fn elements(&self, id: usize, size: usize) -> Result<&'a [u8], Broken> {
        let Some(field) = self.field(id, 4)? else {
            return Ok(&[]);
        };
        let at = follow(self.bytes, field)?;
        let broken = Broken { at };
        let count = usize::try_from(scalar::<u32>(self.bytes, at)?).map_err(|_| broken)?;
        let start = at + 4;
        count
            .checked_mul(size)
            .and_then(|n| start.checked_add(n))
            .and_then(|end| self.bytes.get(start..end))
            .ok_or(broken)
    }
}

/// A vector of numbers.
#[derive(Debug, Clone, Copy)]
pub(in crate::import) struct Numbers<'a, T> {
    bytes: &'a [u8],
    number: core::marker::PhantomData<T>,
}

impl<'a, T: Scalar> Numbers<'a, T> {
    /// No numbers.
    pub(in crate::import) const EMPTY: Self = Self {
        bytes: &[],
        number: core::marker::PhantomData,
    };

    /// How many.
    pub(in crate::import) const fn len(&self) -> usize {
        self.bytes.len() / T::SIZE
    }

    /// One of them.
    pub(in crate::import) fn get(&self, index: usize) -> Option<T> {
        let start = index.checked_mul(T::SIZE)?;
        T::read(self.bytes.get(start..start.checked_add(T::SIZE)?)?)
    }

    /// All of them, in order.
    pub(in crate::import) fn iter(&self) -> impl Iterator<Item = T> + use<'a, T> {
        self.bytes.chunks_exact(T::SIZE).filter_map(T::read)
    }
}

/// A vector of tables.
#[derive(Debug, Clone, Copy)]
pub(in crate::import) struct Tables<'a> {
    bytes: &'a [u8],
    start: usize,
    len: usize,
}

impl<'a> Tables<'a> {
    /// How many.
    pub(in crate::import) const fn len(&self) -> usize {
        self.len
    }

    /// One of them.
    pub(in crate::import) fn get(&self, index: usize) -> Result<Table<'a>, Broken> {
        let at = self.start.saturating_add(index.saturating_mul(4));
        if index >= self.len {
            return Err(Broken { at });
        }
        Table::new(self.bytes, follow(self.bytes, at)?)
    }
}
