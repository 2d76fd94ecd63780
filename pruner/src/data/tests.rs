//! Tests of reading, matching and refusing data.
