//! Kernels of hosts, written once over a vector of bytes; an architecture gives the vectors.
//!
//! Activations lie in planes `[c][h · w]` of what the products of the architecture take: `u8` (`s8` + 128, which is
//! folded into the bias) on x86-64, `s8` on Arm; [`super::FLIP`] turns one into the other. A tile is as many pixels as a vector has bytes. Four planes of a
//! tile, interleaved, give four vectors whose 32-bit lanes hold four channels of one pixel each:
//!
//! ```text
//! planes a b c d       a0 a1 a2 … │ b0 b1 b2 … │ c0 … │ d0 …         one load each, any four planes
//! quads  0…3           a0 b0 c0 d0  a1 b1 c1 d1 …                    within each 16 bytes: pixels 4v … 4v + 3
//! dot                  lane += a·w0 + b·w1 + c·w2 + d·w3
//! ```
//!
//! The inverse of the interleaving is what packing instructions do, so that results lie in the order of pixels again.

pub(crate) mod finish;
pub(crate) mod gather;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) mod none;
pub(crate) mod plane;
pub(crate) mod product;
pub(crate) mod quads;
pub(crate) mod share;
pub(crate) mod stage;
pub(crate) mod sum;
pub(crate) mod tiny;
pub(crate) mod windows;

pub(crate) use finish::{Constants, Lanes, Rescale, Row};
pub(crate) use share::Share;

/// What convolutions cost, about twentieths of a cycle and pixel; only ratios matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Costs {
    /// Four planes anywhere, for one, two and four rows.
    pub(crate) gather: [usize; 3],
    /// Four interleaved planes, for one, two and four rows.
    pub(crate) quads: [usize; 3],
    /// The same where a tile is a quarter of a vector or less.
    pub(crate) few: [usize; 3],
    /// Interleaving four planes.
    pub(crate) interleave: usize,
}

impl Costs {
    /// What planes of `pixels` cost with vectors of `bytes`.
    pub(crate) fn of(self, pixels: usize, bytes: usize) -> Self {
        if pixels > bytes / 4 {
            return self;
        }
        // Planes anywhere take vectors of half as many bytes then.
        Self {
            gather: self.gather.map(|cost| cost * 5 / 8),
            quads: self.few,
            ..self
        }
    }
}

/// A vector instruction set; a value of the type proves that the CPU has it.
pub(crate) trait Simd: Copy {
    /// A vector.
    type V: Copy;
    /// Sums in the making; what they are is up to the products.
    type Acc: Copy;
    /// The instruction set for tiles of half as many pixels, or this one again.
    type Half: Simd;
    /// The instruction set for tiles that one row's sums leave room for: at most 64 pixels.
    type Wide: Simd;

    /// Bytes of a vector, and pixels of a tile.
    const BYTES: usize;
    /// Rows of a dense matrix that share the loads of a tile.
    const ROWS: usize;
    /// Whether [`Simd::dot_two`] is faster than [`Simd::dot`] twice.
    const PAIRS: bool;
    /// What the kernels of convolutions cost.
    const COSTS: Costs;
    /// Bytes of a plane that [`Simd::permute`] reaches; 0 where there is no such instruction.
    const PLANE: usize = 0;

    /// The instruction set for tiles of half as many pixels.
    fn half(self) -> Self::Half;

    /// The instruction set for the tiles of one row.
    fn wide(self) -> Self::Wide;

    /// The bytes at `from`.
    ///
    /// # Safety
    ///
    /// [`Self::BYTES`] bytes can be read there.
    unsafe fn load(self, from: *const u8) -> Self::V;

    /// Writes a vector to `to`.
    ///
    /// # Safety
    ///
    /// [`Self::BYTES`] bytes can be written there.
    unsafe fn store(self, to: *mut u8, value: Self::V);

    /// Lane by lane, four neighbouring bytes: those from `from + STRIDE · p` on for pixel `p` of the lane, where the
    /// lanes are those of vector `quad` of [`Simd::quads`]. `STRIDE` is 1 or 2.
    ///
    /// # Safety
    ///
    /// `STRIDE` · ([`Self::BYTES`] + 16) bytes can be read at `from`.
    unsafe fn windows<const STRIDE: usize>(self, from: *const u8, quad: usize) -> Self::V;

    /// 16 bytes from each of the addresses `from`, `from + stride`, …
    ///
    /// # Safety
    ///
    /// They can be read.
    unsafe fn load_lanes(self, from: *const u8, stride: usize) -> Self::V;

    /// The same 16 bytes again and again.
    ///
    /// # Safety
    ///
    /// They can be read.
    unsafe fn load_16(self, from: *const u8) -> Self::V;

    /// The inverse of [`Simd::load_lanes`].
    ///
    /// # Safety
    ///
    /// The bytes can be written.
    unsafe fn store_lanes(self, to: *mut u8, stride: usize, value: Self::V);

    /// Within each 16 bytes of `bytes`, the byte that `sources` names by its low four bits; 0 where its high bit is set.
    fn shuffle(self, bytes: Self::V, sources: Self::V) -> Self::V;
    /// The byte of `bytes` that each of `sources` names, all of them below [`Simd::PLANE`], where `inside` has its bit, else that
    /// of `outside`.
    fn permute(
        self,
        bytes: Self::V,
        _sources: Self::V,
        _inside: u64,
        _outside: Self::V,
    ) -> Self::V {
        bytes
    }
    /// The bits of both.
    fn or(self, a: Self::V, b: Self::V) -> Self::V;
    /// Every second byte of two vectors that follow each other, the first included.
    fn evens(self, first: Self::V, second: Self::V) -> Self::V;
    /// All lanes `value`.
    fn splat(self, value: i32) -> Self::V;
    /// All bytes `value`.
    fn splat_byte(self, value: u8) -> Self::V;
    /// The four vectors of interleaved planes.
    fn quads(self, planes: [Self::V; 4]) -> [Self::V; 4];
    /// Sums that begin with `lanes`.
    fn begin(self, lanes: Self::V) -> Self::Acc;
    /// The sums, lane by lane.
    fn total(self, acc: Self::Acc) -> Self::V;
    /// `acc + Σ x · w` of the four bytes of every lane, `x` of planes and `w` signed. Exact for what [`Simd::split`]
    /// gives.
    fn dot(self, acc: Self::Acc, x: Self::V, w: Self::V) -> Self::Acc;
    /// [`Simd::dot`] of both.
    fn dot_two(self, acc: Self::Acc, x: [Self::V; 2], w: [Self::V; 2]) -> Self::Acc;
    /// Adds the products of four planes to the sums of each row, whose lanes are those of [`Simd::quads`].
    fn dot_planes<const N: usize>(
        self,
        sums: [[Self::V; 4]; N],
        planes: [Self::V; 4],
        weights: [i32; N],
    ) -> [[Self::V; 4]; N];
    /// Four weights as the sum of two fours whose products are exact, whatever they are multiplied with; the second is
    /// mostly zero.
    fn split(weights: [i8; 4]) -> [[i8; 4]; 2];
    /// `round(acc · mul + add)`, halves to even, in 32-bit floats.
    fn rescale(self, acc: Self::V, mul: f32, add: f32) -> Self::V;
    /// `round(lane · mul + add)` with a scale and an offset a lane.
    ///
    /// # Safety
    ///
    /// `lanes` has a vector from lane `at` on.
    unsafe fn rescale_lanes(self, acc: Self::V, lanes: &Lanes, at: usize) -> Self::V;
    /// The fixed-point arithmetic of [`Constants`] with constants a lane.
    ///
    /// # Safety
    ///
    /// `lanes` has a vector from lane `at` on.
    unsafe fn rescale_fixed_lanes(self, acc: Self::V, lanes: &Lanes, at: usize) -> Self::V;
    /// `round(a · mul.0 + b · mul.1 + add)` where lanes hold the bytes of planes of `a − 128` and `b − 128`.
    fn rescale_pairs(self, pairs: Self::V, mul: (f32, f32), add: f32) -> Self::V;
    /// The fixed-point arithmetic of [`Constants`].
    fn rescale_fixed(self, acc: Self::V, row: &Constants) -> Self::V;
    /// The lanes of what [`Simd::quads`] gave, in the order of pixels, saturated to −128…127, as bytes of planes.
    fn pack(self, quads: [Self::V; 4]) -> Self::V;
    /// What [`Simd::quads`] gave, pixels in order across the vectors.
    fn in_order(self, quads: [Self::V; 4]) -> [Self::V; 4];
    /// [`Simd::pack`] of lanes that are pixels in order.
    fn pack_in_order(self, lanes: [Self::V; 4]) -> Self::V;
    /// The bits of `yes` where `mask` has them, else those of `no`.
    fn choose(self, mask: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    /// Bytes of planes, between `lo` and `hi`.
    fn clamp(self, value: Self::V, lo: Self::V, hi: Self::V) -> Self::V;
}

/// Work to be done with whatever vectors the CPU has.
pub(crate) trait Task {
    /// What it gives.
    type Out;
    /// Does it; must be `#[inline(always)]`, so that it is compiled for the instruction set.
    fn run<S: Simd>(self, simd: S) -> Self::Out;
}
