//! Placeholder room.
#![no_std]
