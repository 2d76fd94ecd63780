//! An emulated device that is driven over its serial port gives what this machine gives, and keeps the network that it
//! has where another one does not arrive.

use super::machines::{on_host, own_network, rows_of, run, shipped_network, skip, targets};
use core::time::Duration;
use nnz_format::Model;
use nnz_pruner::target::Target as Lowering;
use nnz_support::emulator::EmulatorError;
use nnz_support::emulator::serial::Device;
use nnz_support::targets::Target;
use nnz_wire::client::{Client, WireError};
use serial2::SerialPort;

type Link = Client<SerialPort>;

fn port(device: &Device) -> SerialPort {
    let mut port = SerialPort::open(device.port(), 115_200).unwrap();
    port.set_read_timeout(Duration::from_secs(60)).unwrap();
    port
}

/// The targets with a serial port.
fn devices() -> impl Iterator<Item = &'static Target> {
    targets()
        .into_iter()
        .filter(|target| target.emulator.as_ref().is_some_and(|e| e.serial.is_some()))
}

/// The device's real numbers and the host's bytes for some rows.
fn compare(link: &mut Link, model: &[u8], rows: usize) {
    let input = rows_of(model, 3, rows);
    let words: Vec<u128> = model
        .chunks(16)
        .map(|chunk| {
            let mut word = [0; 16];
            word[..chunk.len()].copy_from_slice(chunk);
            u128::from_ne_bytes(word)
        })
        .collect();
    let parsed = Model::parse(bytemuck::cast_slice(&words)).unwrap();
    let output = parsed.output(0).unwrap().tensor;
    let expected = on_host(model, &input);
    let expected = expected.chunks(expected.len() / rows);
    for (row, expected) in input.chunks(input.len() / rows).zip(expected) {
        let results = link.infer(row, 1, 0).unwrap().results;
        let real = |q: &u8| {
            f64::from(i32::from(q.cast_signed()) - output.zero_point) * f64::from(output.scale)
        };
        assert_eq!(results.len(), expected.len());
        for (found, expected) in results.iter().zip(expected.iter().map(real)) {
            assert!(
                (f64::from(*found) - expected).abs() < 2e-6,
                "{found} {expected}"
            );
        }
    }
}

#[test]
fn networks_that_arrive_over_the_serial_port_compute_what_this_machine_does() {
    for target in devices() {
        let device = match Device::start(target) {
            Ok(device) => device,
            Err(error @ (EmulatorError::NoImage { .. } | EmulatorError::NotInstalled { .. })) => {
                skip(&error.to_string());
                continue;
            }
            Err(error) => panic!("{}: {error}", target.name),
        };
        let mut link = Client::new(port(&device)).unwrap();
        assert_eq!(link.name().unwrap(), target.name);
        let refused = link.infer(&[0; 8], 1, 0).unwrap_err();
        assert_eq!(refused.to_string(), "the device says: there is no model");
        let own = own_network();
        link.send(&own, &mut |_| ()).unwrap();
        compare(&mut link, &own, 5);
        let lowering = Lowering::named(&target.name).unwrap();
        let keywords = shipped_network(lowering);
        link.send(&keywords, &mut |_| ()).unwrap();
        compare(&mut link, &keywords, 3);
        // One image more or less around the same kernels: a call, no more.
        let zeros = vec![0; link.model().unwrap().inputs];
        let wired = link.infer(&zeros, 1, 0).unwrap().count;
        if let Some(outcome) = run(target, &keywords, &zeros) {
            let alone = outcome.run.rows[0];
            assert!(wired.abs_diff(alone) * 1000 < alone, "{wired} and {alone}");
        }
        // Half of a transfer, and noise.
        let raw = link.into_port();
        raw.write_all(b"model begin 400 00000000%model at 0 1234%\xFF\x00%db")
            .unwrap();
        let mut link = Client::new(raw).unwrap();
        compare(&mut link, &keywords, 1);
        let broken = link
            .send(&keywords[..keywords.len() - 1], &mut |_| ())
            .unwrap_err();
        assert!(matches!(broken, WireError::Refused(_)), "{broken}");
        compare(&mut link, &keywords, 1);
        link.bye().unwrap();
    }
}
