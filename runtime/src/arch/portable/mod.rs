//! Kernels in plain Rust: the reference for every other architecture, and fast where there are enough registers.

mod arithmetic;
mod block;
mod csr;
mod csr_n;
mod csr_q;
mod dense;
mod depthwise;
mod fill;
mod finish;
mod lanes;
mod matvec;
mod rows;
mod table;
mod taps;

pub(crate) use lanes::mac_s8;
pub(crate) use table::{PortableDouble, PortableF32, PortableSingle};
