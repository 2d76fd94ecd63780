//! Power may go at any operation of the flash: the device always starts with a whole model.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Power, Random, Simulated};
use core::cell::Cell;
use nnz_wire::crc32;
use nnz_wire::store::{Flash as _, Store, StoreError, Update};
use std::rc::Rc;

const SLOT: usize = 2048;

/// Sends a model in pieces of any size.
fn send(
    update: &mut Update<'_, Simulated>,
    model: &[u8],
    random: &mut Random,
) -> Result<(), StoreError> {
    update.begin(model.len(), crc32(model))?;
    let mut at = 0;
    while at < model.len() {
        let end = model.len().min(at + 1 + random.below(200));
        at = update.push(at, &model[at..end])?;
    }
    update.finish(|_| true)
}

fn running(slots: &[Simulated; 2]) -> Option<Vec<u8>> {
    let mut store = Store::new(slots.clone());
    store.open(|_| true).0.map(<[u8]>::to_vec)
}

#[test]
fn a_model_that_arrived_is_the_one_that_runs() {
    let power: Power = Rc::new(Cell::new(usize::MAX));
    let mut random = Random(7);
    let mut slots = [1, 2].map(|seed| Simulated::new(SLOT, seed, &power));
    assert_eq!(running(&slots), None);
    for len in [1, 31, 32, 33, 256, 1000, SLOT - 32] {
        let model = random.bytes(len);
        let mut store = Store::new(slots.clone());
        let (_, mut update) = store.open(|_| true);
        send(&mut update, &model, &mut random).unwrap();
        let [a, b] = slots_of(store, &power);
        slots = [a, b];
        assert_eq!(running(&slots), Some(model));
    }
}

/// The slots again, as after a start.
fn slots_of(mut store: Store<Simulated>, power: &Power) -> [Simulated; 2] {
    power.set(usize::MAX);
    store.slots_mut().clone()
}

#[test]
fn power_cuts_at_a_thousand_places_leave_a_model_that_runs() {
    let power: Power = Rc::new(Cell::new(usize::MAX));
    let mut random = Random(11);
    let mut slots = [3, 4].map(|seed| Simulated::new(SLOT, seed, &power));
    let mut now = random.bytes(500);
    let mut cuts = 0;
    let mut replaced = 0;
    let mut first = true;
    while cuts < 1000 {
        let next_len = 1 + random.below(SLOT - 32);
        let next = if first {
            now.clone()
        } else {
            random.bytes(next_len)
        };
        let mut store = Store::new(slots.clone());
        // Erasing and programming of both take at most 8 + 64 operations.
        power.set(if first {
            usize::MAX
        } else {
            1 + random.below(80)
        });
        let (before, mut update) = store.open(|_| true);
        assert_eq!(before.map(<[u8]>::to_vec), (!first).then(|| now.clone()));
        let sent = send(&mut update, &next, &mut random);
        slots = slots_of(store, &power);
        let runs = running(&slots).expect("a model runs");
        match sent {
            Ok(()) => {
                assert_eq!(runs, next);
                replaced += 1;
            }
            Err(error) => {
                assert_eq!(error, StoreError::Flash);
                assert!(runs == now || runs == next, "some other model runs");
                cuts += 1;
            }
        }
        now = runs;
        first = false;
    }
    assert!(replaced > 100, "{replaced} models replaced");
}

#[test]
fn what_is_not_what_was_announced_never_runs() {
    let power: Power = Rc::new(Cell::new(usize::MAX));
    let mut random = Random(5);
    let slots = [5, 6].map(|seed| Simulated::new(SLOT, seed, &power));
    let mut store = Store::new(slots);
    let old = random.bytes(300);
    send(&mut store.open(|_| true).1, &old, &mut random).unwrap();
    let (model, mut update) = store.open(|_| true);
    assert_eq!(model, Some(&old[..]));
    let new = random.bytes(400);
    assert_eq!(update.push(0, &new), Err(StoreError::NoTransfer));
    assert_eq!(update.finish(|_| true), Err(StoreError::NoTransfer));
    assert_eq!(
        update.begin(0, 0),
        Err(StoreError::TooLong { room: SLOT - 32 })
    );
    assert_eq!(
        update.begin(SLOT, 0),
        Err(StoreError::TooLong { room: SLOT - 32 })
    );
    update.begin(400, crc32(&new) ^ 1).unwrap();
    assert_eq!(
        update.push(10, &new[10..20]),
        Err(StoreError::OutOfOrder { next: 0 })
    );
    assert_eq!(update.push(0, &new[..300]), Ok(300));
    assert_eq!(update.push(100, &new[100..200]), Ok(300), "said again");
    assert_eq!(
        update.finish(|_| true),
        Err(StoreError::TooFew { received: 300 })
    );
    assert_eq!(update.push(300, &[0; 101]), Err(StoreError::TooMany));
    assert_eq!(update.push(usize::MAX, &[0; 101]), Err(StoreError::TooMany));
    assert_eq!(update.push(300, &new[300..]), Ok(400));
    assert_eq!(update.finish(|_| true), Err(StoreError::Sum));
    update.begin(400, crc32(&new)).unwrap();
    assert_eq!(update.push(0, &new), Ok(400));
    assert_eq!(update.finish(|_| false), Err(StoreError::Refused));
    assert_eq!(store.open(|_| true).0, Some(&old[..]));
}

#[test]
fn a_flipped_bit_makes_the_older_model_run() {
    let power: Power = Rc::new(Cell::new(usize::MAX));
    let mut random = Random(9);
    let mut store = Store::new([7, 8].map(|seed| Simulated::new(SLOT, seed, &power)));
    let models = [random.bytes(200), random.bytes(200)];
    for model in &models {
        send(&mut store.open(|_| true).1, model, &mut random).unwrap();
    }
    let whole = store.slots_mut().clone();
    assert_eq!(running(&whole).as_ref(), Some(&models[1]));
    let newer = usize::from(whole[1].bytes()[8] > whole[0].bytes()[8]);
    for bit in 0..(32 + 200) * 8 {
        let mut slots = whole.clone();
        slots[newer].bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(running(&slots).as_ref(), Some(&models[0]), "bit {bit}");
    }
}
