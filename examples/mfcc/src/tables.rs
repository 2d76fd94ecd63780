//! What `build.rs` computed: windows, turns, roots, logarithms, bands and cosines, as integers.

use crate::pair::Pair;

include!(concat!(env!("OUT_DIR"), "/tables.in"));
