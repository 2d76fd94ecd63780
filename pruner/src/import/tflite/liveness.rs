//! Which operators the outputs need.
//!
//! The new shape of a reshape is that of its output tensor, so that what computes it (`SHAPE`, `STRIDED_SLICE`, `PACK` …, as
//! converters write for an open batch) is not needed.

use super::super::error::Problem;
use super::flatbuffer::Broken;
use super::schema::{Model, OperatorInfo, SubGraph};
use std::collections::HashMap;

/// RESHAPE, whose second input says what its output's dimensions say.
const RESHAPE: i32 = 22;

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
            let most = if is_reshape(model, info).unwrap_or(false) {
                1
            } else {
                usize::MAX
            };
            wanted.extend(info.inputs.iter().take(most));
        }
    }
    Ok(live)
}

fn is_reshape(model: &Model<'_>, info: &OperatorInfo<'_>) -> Result<bool, Broken> {
    let (code, custom) = model.operator_code(info.opcode_index)?;
    Ok(code == RESHAPE && custom.is_empty())
}
