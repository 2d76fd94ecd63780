//! What the benches measure: single convolutions of a chosen layout and sparsity, and the shipped networks.
//!
//! Figures are for comparing rows of one run with each other. What is kept lies in `record/`: deterministic
//! instruction counts, one file a target and day, made by `cargo xtask bench`.

use nnz_format::encode::{self, Matrix, RowQuant};
use nnz_format::write::{self, IoDesc, ModelDesc, StepDesc};
use nnz_format::{
    AxisOrder, Backend, Clamp, DType, Op, Rounding, Tensor, TensorLayout, WeightLayout, Window,
    scratch_len,
};

/// A square convolution on planar activations.
#[derive(Debug, Clone, Copy)]
pub struct Conv {
    /// Input and output channels.
    pub channels: u16,
    /// Rows and columns of the image.
    pub size: u16,
    /// Rows and columns of the kernel; stride 1, same size out.
    pub kernel: u8,
}

impl Conv {
    /// Multiply-accumulates with every weight stored.
    #[must_use]
    pub fn macs(&self) -> u64 {
        let [channels, size, kernel] =
            [self.channels, self.size, self.kernel.into()].map(u64::from);
        channels * channels * size * size * kernel * kernel
    }

    /// The convolution as a file, with seeded weights of which a share of `sparsity` is zero.
    ///
    /// # Errors
    ///
    /// The geometry or the layout does not fit the format.
    pub fn file(&self, layout: WeightLayout, sparsity: f64) -> Result<Vec<u8>, String> {
        let pad = self.kernel / 2;
        let window = Window {
            kernel_h: self.kernel,
            kernel_w: self.kernel,
            stride_h: 1,
            stride_w: 1,
            pad_top: pad,
            pad_left: pad,
            pad_bottom: pad,
            pad_right: pad,
        };
        let clamp = Clamp::S8 { lo: -128, hi: 127 };
        let op = Op::Conv2d { window, clamp };
        let input = self.tensor(0);
        let output = self.tensor(input.len);
        let scratch = scratch_len(Backend::Planar, &op, layout, &input, &output);
        let step = StepDesc {
            op,
            input: 0,
            input2: None,
            output: 1,
            weights: Some(self.weights(layout, sparsity)?),
            scratch_offset: input.len + output.len,
            scratch_len: scratch,
        };
        write::write(&ModelDesc {
            backend: Backend::Planar,
            rounding: Rounding::Single,
            arena_len: input.len + output.len + scratch.next_multiple_of(8),
            macs: self.macs(),
            stored_macs: self.macs(),
            tensors: vec![input, output],
            steps: vec![step],
            inputs: vec![self.port(0, "input")],
            outputs: vec![self.port(1, "output")],
            meta: None,
        })
        .map_err(|error| error.to_string())
    }

    fn weights(&self, layout: WeightLayout, sparsity: f64) -> Result<encode::Blob, String> {
        let channels = usize::from(self.channels);
        let mut random = Xorshift(0x9E37_79B9_7F4A_7C15);
        let data: Vec<i8> = (0..channels * channels * usize::from(self.kernel).pow(2))
            .map(|_| random.weight(sparsity))
            .collect();
        let matrix = Matrix {
            rows: channels,
            cin: channels,
            kernel_h: self.kernel,
            kernel_w: self.kernel,
            stride_w: 1,
            is_fully_connected: false,
            data: &data,
        };
        let quant = RowQuant {
            bias: 100,
            multiplier: 1 << 30,
            shift: 9,
        };
        encode::s8(layout, &matrix, &vec![quant; channels]).map_err(|error| error.to_string())
    }

    fn tensor(&self, offset: u32) -> Tensor {
        let plane_stride = (u32::from(self.size) * u32::from(self.size)).next_multiple_of(8);
        Tensor {
            dtype: DType::S8,
            layout: TensorLayout::Planar,
            region: 0,
            c: self.channels,
            h: self.size,
            w: self.size,
            plane_stride,
            offset,
            len: u32::from(self.channels) * plane_stride,
            scale: 0.05,
            zero_point: 3,
        }
    }

    fn port(&self, tensor: u16, name: &str) -> IoDesc {
        let [channels, size] = [self.channels, self.size].map(u32::from);
        IoDesc {
            tensor,
            name: name.to_owned(),
            dims: vec![1, channels, size, size],
            order: AxisOrder::Nchw,
            source_dtype: DType::S8,
            mean: 0.0,
            std: 1.0,
        }
    }
}

/// Marsaglia's xorshift64, so that every run sees the same weights.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn weight(&mut self, sparsity: f64) -> i8 {
        let share = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        let value = i8::try_from(self.next() % 127 + 1).unwrap_or(1);
        match share < sparsity {
            true => 0,
            false if self.next() & 1 == 0 => value,
            false => -value,
        }
    }
}

/// Bytes at an address that sessions accept.
#[derive(Debug)]
pub struct Aligned {
    words: Vec<u128>,
    len: usize,
}

impl Aligned {
    /// `len` zero bytes.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        Self {
            words: vec![0; len.div_ceil(16)],
            len,
        }
    }

    /// A copy of `bytes`.
    #[must_use]
    pub fn copy(bytes: &[u8]) -> Self {
        let mut aligned = Self::zeroed(bytes.len());
        aligned.bytes_mut().copy_from_slice(bytes);
        aligned
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }

    /// The bytes, to change.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.len]
    }
}
