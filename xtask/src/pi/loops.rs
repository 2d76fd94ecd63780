//! The inner loops of the vector kernels in an assembly listing, and how many products one turn of each does.

/// An inner loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loop {
    /// What it computes.
    pub(super) kernel: Kernel,
    /// Whether its products are those of the dot product extension.
    pub(super) is_dot: bool,
    /// Products of a turn.
    pub(super) products: usize,
    /// Instructions of a turn.
    pub(super) instructions: Vec<String>,
}

/// What a loop computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kernel {
    /// Four neighbouring channels, for so many rows.
    Quads(usize),
    /// Any four planes, for so many rows.
    Planes(usize),
    /// Windows of a depthwise convolution.
    Depthwise,
}

/// Functions that hold kernels of convolutions: tasks compiled for an instruction set, or what calls them.
const FUNCTIONS: [&str; 5] = [
    "8Convolve",
    "4Conv3run",
    "5Slide",
    "7Shuffle",
    "4Plan8run_node",
];

/// Every inner loop with products in `assembly`.
pub(super) fn find(assembly: &str) -> Vec<Loop> {
    let mut found = Vec::new();
    let mut body: Vec<&str> = Vec::new();
    let mut name = "";
    for line in assembly.lines() {
        if line.starts_with("_R") && line.ends_with(':') {
            found.extend(of_function(name, &body));
            body.clear();
            name = line;
        } else {
            body.push(line);
        }
    }
    found.extend(of_function(name, &body));
    found
}

/// The inner loops of a function: from a label to a branch back to it, with no other label's loop between.
fn of_function(name: &str, body: &[&str]) -> Vec<Loop> {
    if !FUNCTIONS.iter().any(|function| name.contains(function)) {
        return Vec::new();
    }
    let mut labels: Vec<(&str, usize)> = Vec::new();
    let mut loops: Vec<(usize, usize)> = Vec::new();
    for (at, line) in body.iter().enumerate() {
        if let Some(label) = line.strip_suffix(':') {
            labels.push((label, at));
            continue;
        }
        let target = branch(line);
        if let Some((_, from)) = labels.iter().find(|(label, _)| Some(*label) == target) {
            loops.push((*from, at));
        }
    }
    let inside = |a: &(usize, usize), b: &(usize, usize)| a != b && a.0 >= b.0 && a.1 <= b.1;
    let inner = loops
        .iter()
        .filter(|outer| !loops.iter().any(|l| inside(l, outer)));
    let found = inner.filter_map(|(from, to)| of_lines(body.get(from + 1..=*to)?));
    // Products of a matrix and a vector stand in `run_node`, too.
    let is_whole_network = name.contains("run_node");
    found
        .filter(|l| !is_whole_network || l.kernel == Kernel::Depthwise)
        .collect()
}

/// The label that an instruction branches to.
fn branch(line: &str) -> Option<&str> {
    let (operation, operands) = line.trim().split_once('\t')?;
    let is_branch =
        operation.starts_with("b.") || ["b", "cbz", "cbnz", "tbz", "tbnz"].contains(&operation);
    is_branch.then(|| operands.rsplit(' ').next()).flatten()
}

/// A loop of these lines; `None` where it has no products.
fn of_lines(lines: &[&str]) -> Option<Loop> {
    let lines = lines.iter().map(|line| line.trim());
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with(['.', '/']));
    let instructions: Vec<String> = lines.map(str::to_owned).collect();
    let count = |names: &[&str]| {
        let operation = |line: &&String| names.contains(&operation(line));
        instructions.iter().filter(operation).count()
    };
    let dots = count(&["sdot"]);
    let long = count(&["smull", "smull2", "smlal", "smlal2"]);
    let products = 16 * dots + 8 * long;
    if products == 0 {
        return None;
    }
    let is_dot = dots > 0;
    let rows = products / 16 / loads(&instructions).max(1);
    let kernel = if count(&["tbl"]) > 0 {
        Kernel::Depthwise
    } else if count(&["zip1", "saddw"]) > 0 {
        Kernel::Planes(rows)
    } else {
        Kernel::Quads(rows)
    };
    Some(Loop {
        kernel,
        is_dot,
        products,
        instructions,
    })
}

fn operation(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

/// Vectors that are loaded.
fn loads(instructions: &[String]) -> usize {
    let loads = instructions.iter().map(|line| match operation(line) {
        "ldr" => line.matches("\tq").count(),
        "ldp" => line.matches("\tq").count() + line.matches(" q").count(),
        _ => 0,
    });
    loads.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_loops_are_found_with_their_rows() {
        let assembly = "_RNvs_5quads8ConvolveKj2_:\n.LBB0_1:\n\tadd\tx0, x0, #1\n.LBB0_2:\n\
            \tldp\tq1, q2, [x1]\n\tld1r\t{ v5.4s }, [x2]\n\tsdot\tv3.4s, v1.16b, v5.16b\n\
            \tsdot\tv4.4s, v2.16b, v5.16b\n\tsdot\tv6.4s, v1.16b, v7.16b\n\
            \tsdot\tv8.4s, v2.16b, v7.16b\n\tb.ne\t.LBB0_2\n\tcbnz\tx3, .LBB0_1\n\
            _RNvs_other:\n.LBB1_1:\n\tsdot\tv3.4s, v1.16b, v5.16b\n\tb\t.LBB1_1\n";
        let found = find(assembly);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].kernel, Kernel::Quads(2));
        assert_eq!((found[0].products, found[0].instructions.len()), (64, 7));
        assert!(found[0].is_dot);
    }
}
