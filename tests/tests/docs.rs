//! The tables of `docs/cli.md` are those of the program.

use nnz_pruner::import::{SupportRow, support};
use nnz_pruner::sparsify::{METHODS, PATTERNS};
use nnz_pruner::target::Target;
use nnz_tests::shared::repository;

/// A Markdown table.
fn table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut out = line(&heads.map(str::to_owned));
    out.push_str(&format!("|{}\n", "---|".repeat(N)));
    rows.for_each(|row| out.push_str(&line(&row.map(|cell| cell.replace('|', "\\|")))));
    out
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn tables() -> [(&'static str, String); 4] {
    let methods = METHODS.iter().map(|m| {
        [
            code(m.name),
            m.when.into(),
            m.needs.into(),
            m.cost.into(),
            m.paper.into(),
        ]
    });
    let patterns = PATTERNS
        .iter()
        .map(|p| [code(p.syntax), code(p.example), p.meaning.into()]);
    let targets = Target::all()
        .iter()
        .map(|t| [code(t.name), t.backend.name().into(), t.summary.into()]);
    let name = |n: Option<&str>| n.map_or_else(|| "-".to_owned(), code);
    let operators = support().iter().map(|r| {
        [
            code(r.name),
            name(r.tflite),
            name(r.onnx),
            r.restrictions.into(),
        ]
    });
    [
        (
            "methods",
            table(["method", "when", "needs", "cost", "from"], methods),
        ),
        (
            "patterns",
            table(["pattern", "example", "meaning"], patterns),
        ),
        (
            "targets",
            table(["target", "backend", "what it is"], targets),
        ),
        (
            "operators",
            table(
                ["operator", "TFLite", "ONNX", "what is supported"],
                operators,
            ),
        ),
    ]
}

/// `text` with the content between the marks of `name` replaced.
fn with_table(text: &str, name: &str, content: &str) -> String {
    let (begin, end) = (
        format!("<!-- begin {name} -->\n"),
        format!("<!-- end {name} -->"),
    );
    let (before, rest) = text.split_once(&begin).expect("has the begin mark");
    let (_, after) = rest.split_once(&end).expect("has the end mark");
    format!("{before}{begin}{content}{end}{after}")
}

#[test]
fn the_tables_of_the_command_line_page_are_those_of_the_program() {
    let path = repository("docs/cli.md");
    let found = std::fs::read_to_string(&path).expect("readable");
    let expected = tables()
        .iter()
        .fold(found.clone(), |text, (name, content)| {
            with_table(&text, name, content)
        });
    if std::env::var_os("NNZ_WRITE_DOCS").is_some() {
        std::fs::write(&path, expected).expect("writable");
    } else {
        assert!(
            found == expected,
            "run NNZ_WRITE_DOCS=1 cargo test -p nnz-tests --test docs"
        );
    }
}

#[test]
fn the_readme_names_no_operator_that_is_not_imported() {
    let readme = std::fs::read_to_string(repository("README.md")).unwrap();
    let (_, table) = readme.split_once("| operator | TFLite | ONNX |").unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut named = 0;
    for row in rows {
        let cells: Vec<&str> = row.split('|').collect();
        let lists = [cells[2], cells[3]];
        for (list, is_onnx) in lists.into_iter().zip([false, true]) {
            for name in list.split('`').skip(1).step_by(2) {
                let of = |r: &SupportRow| if is_onnx { r.onnx } else { r.tflite };
                assert!(support().iter().any(|r| of(r) == Some(name)), "{name}");
                named += 1;
            }
        }
    }
    assert!(named > 80, "{named} operators");
}
