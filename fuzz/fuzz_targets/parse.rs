//! `Model::parse`, with the file as it is and with its length and checksum made right.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nnz_hostile::model;

fuzz_target!(|bytes: &[u8]| {
    model::parse(bytes);
});
