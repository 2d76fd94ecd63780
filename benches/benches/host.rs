//! One convolution on the vectors of this CPU: every instruction set that it has, over sparsity.

#![allow(
    missing_docs,
    reason = "criterion's macros make an undocumented function"
)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nnz::host::{Isa, Network};
use nnz_benches::Conv;
use nnz_format::WeightLayout;

const LAYERS: [(&str, Conv); 2] = [
    (
        "host_pointwise_128_14x14",
        Conv {
            channels: 128,
            size: 14,
            kernel: 1,
        },
    ),
    (
        "host_conv3x3_64_28x28",
        Conv {
            channels: 64,
            size: 28,
            kernel: 3,
        },
    ),
];
const SPARSITIES: [f64; 4] = [0.0, 0.5, 0.8, 0.9];

fn layers(criterion: &mut Criterion) {
    for (name, conv) in LAYERS {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(conv.macs()));
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            for sparsity in SPARSITIES {
                let layout = match sparsity > 0.0 {
                    true => WeightLayout::CsrP,
                    false => WeightLayout::Dense,
                };
                let file = conv.file(layout, sparsity).expect("a valid layer");
                let network = Network::with_isa(&file, isa).expect("a valid file");
                let mut session = network.session();
                group.bench_function(BenchmarkId::new(isa.name(), sparsity), |bencher| {
                    bencher.iter(|| session.run());
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, layers);
criterion_main!(benches);
