//! A model that is proved, run by the portable kernels and on every instruction set of this CPU.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nnz_hostile::model;

fuzz_target!(|bytes: &[u8]| {
    model::run(bytes);
});
