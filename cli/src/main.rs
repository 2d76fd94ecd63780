//! Placeholder room.
fn main() {}
