//! Sessions of hosts: they are `Send`, share one network and agree with the portable kernels.
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    reason = "maps files; a test that fails may panic"
)]

mod common;

use common::small;
use core::num::NonZeroUsize;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicUsize, Ordering};
use nnz::host::{Isa, Network, Session};
use std::panic::catch_unwind;
use std::thread;

fn run(session: &mut Session, input: &[i8]) -> Vec<i8> {
    session.write_input_s8(0, input).unwrap();
    session.run();
    session.output_s8(0).unwrap().to_vec()
}

fn input(session: &mut Session) -> Vec<i8> {
    small::pattern(session.input_s8(0).unwrap().len())
}

#[test]
fn every_instruction_set_gives_the_same_bytes() {
    let file = small::network();
    let outputs = Isa::ALL.into_iter().filter(|isa| isa.is_available());
    let outputs: Vec<_> = outputs
        .map(|isa| {
            let network = Network::with_isa(&file, isa).unwrap();
            assert_eq!(network.isa(), isa);
            let mut session = network.session();
            let input = input(&mut session);
            run(&mut session, &input)
        })
        .collect();
    assert!(
        outputs.windows(2).all(|pair| pair[0] == pair[1]),
        "{outputs:?}"
    );
}

#[test]
fn sessions_of_one_network_run_on_threads_side_by_side() {
    let network = Network::from_bytes(&small::network()).unwrap();
    let mut first = network.session();
    let input = input(&mut first);
    let expected = run(&mut first, &input);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (mut session, input) = (network.session(), input.clone());
            thread::spawn(move || run(&mut session, &input))
        })
        .collect();
    drop((network, first));
    for thread in threads {
        assert_eq!(thread.join().unwrap(), expected);
    }
}

fn on_threads(network: &Network, threads: usize) -> Session {
    let threads = NonZeroUsize::new(threads).unwrap();
    network.session_with_threads(threads).unwrap()
}

#[test]
fn threads_share_a_run_again_and_again() {
    let network = Network::from_bytes(&small::network()).unwrap();
    let mut alone = network.session();
    let input = input(&mut alone);
    let expected = run(&mut alone, &input);
    for threads in [2, 5] {
        let mut session = on_threads(&network, threads);
        for _ in 0..20 {
            assert_eq!(run(&mut session, &input), expected, "{threads} threads");
        }
    }
}

#[test]
fn a_batch_gives_what_single_runs_give() {
    let network = Network::from_bytes(&small::network()).unwrap();
    let mut session = network.session();
    let one = input(&mut session);
    let inputs: Vec<i8> = (0..7_i8)
        .flat_map(|sample| one.iter().map(move |v| v ^ sample))
        .collect();
    let singles = inputs.chunks_exact(one.len());
    let expected: Vec<i8> = singles.flat_map(|input| run(&mut session, input)).collect();
    for threads in [1, 2, 3, 9] {
        let mut batch = network.batch(NonZeroUsize::new(threads).unwrap()).unwrap();
        assert_eq!(batch.threads(), threads);
        for _ in 0..3 {
            let mut outputs = vec![0; expected.len()];
            assert_eq!(batch.run_s8(&inputs, &mut outputs), Ok(7));
            assert_eq!(outputs, expected, "{threads} threads");
        }
        let cut = &inputs[1..];
        let mut outputs = vec![0; expected.len()];
        assert!(
            batch.run_s8(cut, &mut outputs).is_err(),
            "not whole samples"
        );
        assert!(batch.run_s8(&inputs, &mut outputs[1..]).is_err());
        assert!(
            batch.run_f32(&[0.0; 8], &mut []).is_err(),
            "elements are s8"
        );
        assert_eq!(batch.run_s8(&[], &mut []), Ok(0));
    }
}

#[test]
fn a_panic_in_a_batch_is_passed_on_and_later_batches_run() {
    let network = Network::from_bytes(&small::network()).unwrap();
    let mut batch = network.batch(NonZeroUsize::new(2).unwrap()).unwrap();
    let seen = AtomicUsize::new(0);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        batch.for_each(8, |_, sample| {
            assert!(sample != 5, "a sample's own panic");
            seen.fetch_add(1, Ordering::Relaxed);
        });
    }));
    assert!(caught.is_err());
    assert_eq!(seen.swap(0, Ordering::Relaxed), 5, "0 to 3, and 4");
    batch.for_each(8, |_, _| {
        seen.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(seen.into_inner(), 8);
}

#[test]
fn a_mapped_file_runs_like_one_that_was_read() {
    let path = std::env::temp_dir().join(format!("nnz-map-{}.nnz", std::process::id()));
    std::fs::write(&path, small::network()).unwrap();
    // SAFETY: nobody else knows the file's name.
    let mapped = unsafe { Network::map(&path) }.unwrap();
    let read = Network::open(&path).unwrap();
    let [mapped, read] = [mapped, read].map(|network| {
        let mut session = network.session();
        let input = input(&mut session);
        run(&mut session, &input)
    });
    std::fs::remove_file(&path).unwrap();
    assert_eq!(mapped, read);
    // SAFETY: there is no such file.
    assert!(unsafe { Network::map(&path) }.is_err());
}

#[test]
fn a_hook_that_panics_leaves_the_threads_of_a_session_at_work() {
    let network = Network::from_bytes(&small::network()).unwrap();
    let mut session = on_threads(&network, 2);
    let input = input(&mut session);
    let expected = run(&mut session, &input);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        session.run_with(|step| assert!(step != 1, "a hook's own panic"));
    }));
    assert!(caught.is_err());
    assert_eq!(run(&mut session, &input), expected);
}

#[test]
fn what_is_no_network_is_refused_with_a_reason() {
    let error = Network::from_bytes(b"no network").unwrap_err();
    assert!(error.to_string().contains("not a network"), "{error}");
    let error = Network::open("there/is/none.nnz").unwrap_err();
    assert!(error.to_string().contains("cannot read"), "{error}");
}
