//! The serial port of a device: plain bytes, and bytes that become commands with the right check sums.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nnz_hostile::wire;

fuzz_target!(|bytes: &[u8]| {
    wire::receive(bytes);
});
