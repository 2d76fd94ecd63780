//! The ONNX importer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nnz_hostile::network;

fuzz_target!(|bytes: &[u8]| {
    network::onnx(bytes);
});
