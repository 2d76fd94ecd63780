//! Random small networks: every operator, layout, rounding and quantisation that the pruner can lower, from one seed.
//!
//! ```text
//! seed ─ generate, operators, layers ─► Graph ─ compare ─► interpreter = portable kernels = every instruction set
//!                                                  └─ reduce: the shortest piece of the network that still differs
//! ```

mod compare;
mod generate;
mod layers;
mod operators;
mod reduce;

pub use compare::{Case, Difference, Lowered, compare, lowered, save};
pub use generate::network;
pub use reduce::reduced;
