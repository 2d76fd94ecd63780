//! A device and a host at the two ends of a wire: models arrive, transfers are cut, garbage comes.

#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(feature = "std")]

mod common;

use common::{End as Port, Power, Random, Simulated, wire};
use core::cell::Cell;
use nnz_wire::client::{Client, WireError};
use nnz_wire::crc32;
use nnz_wire::device::{Board, Device, End, Network};
use nnz_wire::store::Store;
use std::io::Write as _;
use std::rc::Rc;
use std::thread::{self, JoinHandle};

const SLOT: usize = 4096;

/// Runs any model that does not begin with 0; adds its first byte to every input.
struct Adds {
    to: u8,
    results: Vec<f32>,
}

impl Network for Adds {
    fn input_len(&self) -> usize {
        3
    }

    fn run(&mut self, inputs: &[u8]) -> u64 {
        self.results = inputs
            .iter()
            .map(|i| f32::from(*i) + f32::from(self.to) / 4.0)
            .collect();
        42
    }

    fn results(&self, show: &mut dyn FnMut(f32)) {
        self.results.iter().copied().for_each(show);
    }
}

struct Simulator(u64);

impl Board for Simulator {
    fn name(&self) -> &str {
        "simulator"
    }

    fn micros(&mut self) -> u64 {
        self.0 += 500;
        self.0
    }

    fn accepts(&self, model: &[u8]) -> bool {
        model[0] != 0
    }
}

/// A device that runs until nobody holds the other end.
fn device(mut port: Port) -> JoinHandle<usize> {
    thread::spawn(move || {
        let power: Power = Rc::new(Cell::new(usize::MAX));
        let mut store = Store::new([1, 2].map(|seed| Simulated::new(SLOT, seed, &power)));
        let mut models = 0;
        loop {
            let mut board = Simulator(0);
            let (model, update) = store.open(|model| board.accepts(model));
            let results = Vec::new();
            let network = model.map(|model| {
                (
                    model,
                    Adds {
                        to: model[0],
                        results,
                    },
                )
            });
            let mut inputs = [0; 8];
            let mut device = Device {
                board: &mut board,
                network,
                update,
                inputs: &mut inputs,
            };
            match device.serve(&mut port) {
                End::NewModel => models += 1,
                End::Closed => return models,
            }
        }
    })
}

fn model(first: u8, len: usize, random: &mut Random) -> Vec<u8> {
    let mut model = random.bytes(len);
    model[0] = first;
    model
}

#[test]
fn a_model_arrives_runs_and_is_replaced() {
    let (host, end) = wire();
    let device = device(end);
    let mut client = Client::new(host).unwrap();
    assert_eq!(client.name().unwrap(), "simulator");
    let refused = |error: WireError| error.to_string();
    assert_eq!(
        client.infer(&[1, 2, 3], 1, 0).map_err(refused),
        Err("the device says: there is no model".to_owned())
    );
    let mut random = Random(3);
    for first in [1, 7] {
        let model = model(first, 1000, &mut random);
        let mut told = Vec::new();
        client.send(&model, &mut |at| told.push(at)).unwrap();
        assert_eq!(told, [256, 512, 768, 1000]);
        let running = client.model().unwrap();
        assert_eq!((running.bytes, running.crc), (1000, crc32(&model)));
        let measured = client.infer(&[1, 2, 200], 5, 2).unwrap();
        let quarter = f32::from(first) / 4.0;
        assert_eq!(
            measured.results,
            [1.0 + quarter, 2.0 + quarter, 200.0 + quarter]
        );
        assert_eq!((measured.micros, measured.count), (500, 42));
    }
    let refusal = client
        .send(&model(0, 10, &mut random), &mut |_| ())
        .unwrap_err();
    assert_eq!(refusal.to_string(), "the device says: the model is refused");
    let refusal = client.send(&vec![1; SLOT], &mut |_| ()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the device says: there is room for 4064 bytes"
    );
    let refusal = client.infer(&[1], 1, 0).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the device says: the network takes 3 bytes"
    );
    assert_eq!(client.infer(&[0; 3], 1, 0).unwrap().results, [1.75; 3]);
    client.bye().unwrap();
    assert_eq!(device.join().unwrap(), 2);
}

#[test]
fn transfers_cut_at_two_hundred_places_leave_the_model_that_runs() {
    let (mut host, end) = wire();
    let device = device(end);
    let mut random = Random(17);
    let mut client = Client::new(&mut host).unwrap();
    client
        .send(&model(4, 700, &mut random), &mut |_| ())
        .unwrap();
    for _ in 0..200 {
        let other = model(9, 1 + random.below(2000), &mut random);
        // A transfer of these bytes has 26 + 2.1 · len characters and its end is the last of them.
        host.left = 20 + random.below(2 * other.len() + 20);
        let cut = Client::new(&mut host).and_then(|mut client| client.send(&other, &mut |_| ()));
        assert!(cut.is_err());
        host.left = usize::MAX;
        let mut client = Client::new(&mut host).unwrap();
        assert_eq!(client.infer(&[0; 3], 1, 0).unwrap().results, [1.0; 3]);
    }
    drop(host);
    assert_eq!(device.join().unwrap(), 1);
}

#[test]
fn garbage_on_the_wire_never_stops_the_device() {
    let (mut host, end) = wire();
    let device = device(end);
    let mut random = Random(23);
    let mut client = Client::new(&mut host).unwrap();
    client
        .send(&model(4, 300, &mut random), &mut |_| ())
        .unwrap();
    let words = [
        "name",
        "db",
        "load",
        "infer",
        "model",
        "at",
        "end",
        "begin",
        "%",
        " ",
        "0",
        "ff",
        "99999999999999999999",
        "\u{e9}",
    ];
    for _ in 0..300 {
        let len = random.below(2000);
        let garbage: Vec<u8> = if random.below(2) == 0 {
            random.bytes(len)
        } else {
            let word = |_| words[random.below(words.len())].bytes().chain(Some(b' '));
            (0..len / 8).flat_map(word).collect()
        };
        host.write_all(&garbage).unwrap();
        let mut client = Client::new(&mut host).unwrap();
        assert_eq!(client.infer(&[0; 3], 1, 0).unwrap().results, [1.0; 3]);
    }
    drop(host);
    device.join().unwrap();
}
