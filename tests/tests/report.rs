//! The page about a file is whole, needs nothing from elsewhere, and says what the file says.

use nnz_tests::command::nnz;
use nnz_tests::shared::repository;
use std::path::Path;

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn example(name: &str) -> String {
    text(&repository("examples/keywords").join(name))
}

#[test]
fn the_page_holds_everything_that_it_shows() {
    let folder = tempfile::tempdir().expect("folder");
    let out = |name: &str| text(&folder.path().join(name));
    let [file, first, second, svg] = ["k.nnz", "a.html", "b.html", "arena.svg"].map(out);
    let (model, calib) = (example("keywords_u75.onnx"), example("calib.npz"));
    let prune = ["prune", &model, "-o", &file, "--calib", &calib];
    let _ = nnz([&prune[..], &["--report", &first]].concat()).succeeded();
    let data = example("eval.npz");
    let compare = ["--data", &data, "--compare", &model];
    let _ = nnz([&["report", &file, "-o", &second][..], &compare].concat()).succeeded();
    let inspection = nnz(["inspect", &file, "--svg", &svg, "--json"])
        .succeeded()
        .json();
    let layers = inspection["layers"].as_array().expect("layers");
    for path in [&first, &second] {
        let page = std::fs::read_to_string(path).expect("written");
        for remote in [
            "http-equiv",
            "src=\"http",
            "<script",
            "<link",
            "url(",
            "@import",
        ] {
            assert!(!page.contains(remote), "{path} has {remote}");
        }
        let weighted = layers
            .iter()
            .filter(|l| l["weights"].as_u64() > Some(0))
            .count();
        assert_eq!(page.matches("data:image/png;base64,").count(), weighted);
        for layer in layers {
            let name = layer["name"].as_str().expect("a name");
            assert!(page.contains(name), "{path}: {name}");
        }
        assert!(page.contains("Recipe and provenance") && page.contains("--method keep"));
    }
    let [first, second] = [first, second].map(|p| std::fs::read_to_string(p).expect("written"));
    assert!(first.contains(" dense, ") && !first.contains("<h2>Accuracy"));
    assert!(second.contains("<h2>Accuracy") && second.contains("McNemar"));
    let svg = std::fs::read_to_string(svg).expect("written");
    assert!(svg.starts_with("<svg") && svg.contains("scratch of "));
}

#[test]
fn a_page_about_something_else_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let out = text(&folder.path().join("a.html"));
    let model = example("keywords_u75.onnx");
    let error = nnz(["report", &model, "-o", &out]).failed();
    assert!(
        error.contains("not a .nnz file") && error.contains("--report"),
        "{error}"
    );
    let svg = text(&folder.path().join("a.svg"));
    let error = nnz(["inspect", &model, "--svg", &svg]).failed();
    assert!(error.contains("no memory plan"), "{error}");
}
