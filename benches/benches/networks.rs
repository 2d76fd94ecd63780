//! The shipped keyword network at several sparsities, pruned by magnitude and quantised as `nnz prune` does it.

#![allow(
    missing_docs,
    reason = "criterion's macros make an undocumented function"
)]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use nnz::{Model, Session};
use nnz_benches::Aligned;
use nnz_pruner::pipeline::{self, Options};
use std::path::Path;

const SPARSITIES: [f64; 4] = [0.0, 0.5, 0.8, 0.9];

fn networks(criterion: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/keywords");
    let mut group = criterion.benchmark_group("keywords");
    for sparsity in SPARSITIES {
        let options = Options {
            sparsity: Some(sparsity),
            calib: Some(folder.join("calib.npz")),
            ..Options::default()
        };
        let network = folder.join("keywords_dense.onnx");
        let pruned = pipeline::prune(&network, &options, &|_, _, _| ()).expect("a pruned network");
        let file = Aligned::copy(&pruned.bytes);
        let model = Model::parse(file.bytes()).expect("a valid file");
        let mut arena = Aligned::zeroed(model.arena_len());
        let mut session: Session<'_, '_> =
            Session::new(&model, arena.bytes_mut()).expect("a session");
        group.bench_function(BenchmarkId::new("sparsity", sparsity), |bencher| {
            bencher.iter(|| session.run());
        });
    }
    group.finish();
}

criterion_group!(benches, networks);
criterion_main!(benches);
