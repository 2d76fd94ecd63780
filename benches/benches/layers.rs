//! One convolution: every layout over sparsity, so that the break-even with dense can be read off.

#![allow(
    missing_docs,
    reason = "criterion's macros make an undocumented function"
)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nnz::{Model, Session};
use nnz_benches::{Aligned, Conv};
use nnz_format::WeightLayout;

const LAYERS: [(&str, Conv); 2] = [
    (
        "pointwise_64_16x16",
        Conv {
            channels: 64,
            size: 16,
            kernel: 1,
        },
    ),
    (
        "conv3x3_32_16x16",
        Conv {
            channels: 32,
            size: 16,
            kernel: 3,
        },
    ),
];
const LAYOUTS: [WeightLayout; 3] = [WeightLayout::Dense, WeightLayout::CsrP, WeightLayout::CsrN];
const SPARSITIES: [f64; 4] = [0.0, 0.5, 0.8, 0.9];

fn layers(criterion: &mut Criterion) {
    for (name, conv) in LAYERS {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(conv.macs()));
        for layout in LAYOUTS {
            for sparsity in SPARSITIES {
                let file = Aligned::copy(&conv.file(layout, sparsity).expect("a valid layer"));
                let model = Model::parse(file.bytes()).expect("a valid file");
                let mut arena = Aligned::zeroed(model.arena_len());
                let mut session: Session<'_, '_> =
                    Session::new(&model, arena.bytes_mut()).expect("a session");
                group.bench_function(BenchmarkId::new(layout.name(), sparsity), |bencher| {
                    bencher.iter(|| session.run());
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, layers);
criterion_main!(benches);
