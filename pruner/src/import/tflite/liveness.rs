//! Which operators the outputs need.
//!
//! The new shape of a reshape is that of its output tensor, so that what computes it (`SHAPE`, `STRIDED_SLICE`, `PACK` …, as
//! converters write for an open batch) is not needed.

use super::super::error::Problem;
use super::schema::{Model, OperatorInfo, SubGraph};
use std::collections::HashMap;

/// RESHAPE and `TRANSPOSE_CONV`, of which one input says what the output's dimensions say: the second, and the first.
const RESHAPE: i32 = 22;
const TRANSPOSE_CONV: i32 = 67;

/// For each operator, whether an output of the subgraph depends on it.
pub(super) fn live_operators(
    model: &Model<'_>,
    subgraph: &SubGraph<'_>,
) -> Result<Vec<bool>, Problem> {
    let count = subgraph.operators.len();
    let mut infos = Vec::with_capacity(count);
    let mut writers: HashMap<i32, usize> = HashMap::new();
    for index in 0..count {
        let info = OperatorInfo::read(subgraph.operators.get(index)?)?;
        for output in info.outputs.iter() {
            if writers.insert(output, index).is_some() {
                return Err(Problem::malformed(format!(
                    "tensor {output} is written twice"
                )));
            }
        }
        infos.push(info);
    }
    // What writes nothing acts otherwise (variables, calls), and must not be passed over.
    let mut live: Vec<bool> = infos.iter().map(|i| i.outputs.len() == 0).collect();
    let mut wanted: Vec<i32> = subgraph.outputs.iter().collect();
    while let Some(tensor) = wanted.pop() {
        let Some(&index) = writers.get(&tensor) else {
            continue;
        };
        let (Some(info), Some(seen)) = (infos.get(index), live.get_mut(index)) else {
            continue;
        };
        if !core::mem::replace(seen, true) {
            let (skip, most) = match builtin(model, info) {
                Some(RESHAPE) => (0, 1),
                Some(TRANSPOSE_CONV) => (1, usize::MAX),
                _ => (0, usize::MAX),
            };
            wanted.extend(info.inputs.iter().skip(skip).take(most));
        }
    }
    Ok(live)
}

/// The code of an operator that is one of TFLite's own.
fn builtin(model: &Model<'_>, info: &OperatorInfo<'_>) -> Option<i32> {
    let (code, custom) = model.operator_code(info.opcode_index).ok()?;
    custom.is_empty().then_some(code)
}
