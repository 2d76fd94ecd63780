//! How much stack a function's calls can take at most, from an image's instructions.
//!
//! ```text
//! code ─thumb.rs, riscv.rs─► frame of each function (pushes, subtractions from sp), calls and jumps out of it
//! depth(f) = frame(f) + max over callees            deepest chain of the graph, which has no cycles
//! ```
//!
//! Everything that a function takes from the stack counts once, whether or not it is given back before a call. A call
//! through a register may go to every function whose address the image mentions: words of constants, and the halves
//! that `movw` and `movt` put together. Frames of a size that only the run decides, and recursion, are errors.
//! Interrupts take their own.

mod image;
mod insn;
mod riscv;
mod thumb;

use anyhow::{Result, bail};
use image::{Function, Image};
use std::collections::BTreeMap;
use std::path::Path;

/// The most that calls take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    /// Bytes.
    pub(crate) bytes: u64,
    /// The deepest chain: functions with their frames.
    pub(crate) chain: Vec<(String, u64)>,
}

/// The most that what the function named `root` calls takes below its frame.
pub(crate) fn below(elf: &Path, root: &str) -> Result<Bound> {
    let image = Image::read(elf)?;
    let Some(start) = image.find(root) else {
        bail!("{} has no function '{root}'", elf.display());
    };
    let mut search = Search {
        image: &image,
        done: BTreeMap::new(),
        path: Vec::new(),
    };
    let whole = search.depth(start)?;
    let frame = whole.chain.first().map_or(0, |(_, frame)| *frame);
    Ok(Bound {
        bytes: whole.bytes - frame,
        chain: whole.chain.into_iter().skip(1).collect(),
    })
}

/// Prints the bound and its chain.
pub(crate) fn run(elf: &Path, root: &str) -> Result<()> {
    let bound = below(elf, root)?;
    println!("{} bytes below '{root}'", bound.bytes);
    for (name, frame) in &bound.chain {
        println!("{frame:>8}  {name}");
    }
    Ok(())
}

/// A walk over the call graph.
struct Search<'i> {
    image: &'i Image,
    /// Functions whose depth is known.
    done: BTreeMap<u64, Bound>,
    /// Functions on the way.
    path: Vec<u64>,
}

impl Search<'_> {
    fn depth(&mut self, start: u64) -> Result<Bound> {
        if let Some(bound) = self.done.get(&start) {
            return Ok(bound.clone());
        }
        let image = self.image;
        let Some(function) = image.functions.get(&start) else {
            bail!("there is no function at {start:#x}");
        };
        if self.path.contains(&start) {
            let name = |at: &u64| image.functions.get(at).map(|f| f.name.as_str());
            let path: Vec<&str> = self.path.iter().filter_map(name).collect();
            bail!(
                "'{}' calls itself, so that its stack has no bound: {}",
                function.name,
                path.join(" -> ")
            );
        }
        if function.is_unknown {
            bail!("the frame of '{}' depends on the run", function.name);
        }
        self.path.push(start);
        let mut deepest = Bound {
            bytes: 0,
            chain: Vec::new(),
        };
        for callee in callees(image, function) {
            let bound = self.depth(callee)?;
            if bound.bytes > deepest.bytes {
                deepest = bound;
            }
        }
        self.path.pop();
        deepest.bytes += function.frame;
        let step = (function.name.clone(), function.frame);
        deepest.chain.insert(0, step);
        self.done.insert(start, deepest.clone());
        Ok(deepest)
    }
}

/// What a function may call.
fn callees(image: &Image, function: &Function) -> Vec<u64> {
    let mut found: Vec<u64> = function.calls.iter().copied().collect();
    if function.is_indirect {
        // What a function names itself is what its registers hold; else anything that the image names.
        let own = &function.names;
        found.extend(if own.is_empty() { &image.named } else { own });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str, frame: u64, calls: &[u64]) -> Function {
        Function {
            name: name.to_owned(),
            frame,
            calls: calls.iter().copied().collect(),
            ..Function::default()
        }
    }

    fn depth(functions: Vec<(u64, Function)>) -> Result<Bound> {
        let image = Image {
            functions: functions.into_iter().collect(),
            named: [30].into_iter().collect(),
        };
        let (done, path) = (BTreeMap::new(), Vec::new());
        let image = &image;
        Search { image, done, path }.depth(10)
    }

    #[test]
    fn the_deepest_chain_counts() {
        let mut leaf = function("leaf", 0, &[]);
        leaf.is_indirect = true;
        let graph = vec![
            (10, function("root", 8, &[20, 40])),
            (20, function("wide", 100, &[])),
            (30, function("named", 90, &[])),
            (40, leaf),
        ];
        assert_eq!(depth(graph.clone()).unwrap().bytes, 108);
        let mut deeper = graph;
        deeper[3].1.frame = 16;
        assert_eq!(depth(deeper).unwrap().bytes, 114);
    }

    #[test]
    fn recursion_has_no_bound() {
        let graph = vec![
            (10, function("root", 8, &[20])),
            (20, function("again", 8, &[10])),
        ];
        assert!(
            depth(graph)
                .unwrap_err()
                .to_string()
                .contains("calls itself")
        );
    }
}
