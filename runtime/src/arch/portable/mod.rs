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
#[cfg(not(isa = "dsp"))]
pub(crate) mod no_pairs;
pub(crate) mod plain;
mod rest;
mod rows;
mod table;
mod taps;
mod word_fill;
mod words;

#[allow(unused_imports, reason = "some targets have their own")]
pub(crate) use fill::{Runs, copy_two_portable, copy_word_portable, write_runs};
#[allow(unused_imports, reason = "some targets have their own")]
pub(crate) use lanes::{
    copy_six_portable, mac_portable, store_six_portable, tap_by, tap_portable, three_taps_portable,
};
#[allow(unused_imports, reason = "some targets have their own")]
pub(crate) use plain::{add_linear_s8, sum_s8};
#[allow(unused_imports, reason = "for targets with kernels of their own")]
pub(crate) use rest::portable_rest;
pub(crate) use table::{PortableDouble, PortableF32, PortableSingle};
#[allow(unused_imports, reason = "for targets with kernels of their own")]
pub(crate) use table::{csr_p_rows, dense_rows};
pub(crate) use word_fill::{band as fill_word_band, tile as fill_word_tile};
#[allow(unused_imports, reason = "some targets have their own")]
pub(crate) use words::{WordsDouble, WordsSingle, csr_n as csr_n_words};
#[allow(unused_imports, reason = "some targets have their own")]
pub(crate) use {finish::store_tile, rows::RowS8, rows::RowTable, taps::Jumps};
