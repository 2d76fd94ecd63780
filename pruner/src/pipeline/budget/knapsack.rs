//! One choice a layer, least total loss, total cost within a room: dynamic programming over whole units.

/// One way to have a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Choice {
    pub(super) loss: f64,
    /// Share of the room, at least 0.
    pub(super) cost: f64,
}

/// Units that the room is divided into; costs are rounded up.
const UNITS: usize = 4000;

/// The index of every layer's choice; `None` where even the cheapest do not fit.
pub(super) fn choose(layers: &[Vec<Choice>]) -> Option<Vec<usize>> {
    let mut best = vec![f64::INFINITY; UNITS + 1];
    best[0] = 0.0;
    let mut steps: Vec<Vec<Option<usize>>> = Vec::with_capacity(layers.len());
    for choices in layers {
        let mut next = vec![f64::INFINITY; UNITS + 1];
        let mut taken = vec![None; UNITS + 1];
        for (index, choice) in choices.iter().enumerate() {
            let Some(cost) = units(choice.cost) else {
                continue;
            };
            for used in cost..=UNITS {
                let loss = best[used - cost] + choice.loss;
                if loss < next[used] {
                    (next[used], taken[used]) = (loss, Some(index));
                }
            }
        }
        best = next;
        steps.push(taken);
    }
    let end = (0..=UNITS).filter(|u| best[*u].is_finite());
    let mut at = end.min_by(|a, b| best[*a].total_cmp(&best[*b]))?;
    let mut chosen = vec![0; layers.len()];
    for (layer, taken) in steps.iter().enumerate().rev() {
        let index = taken[at]?;
        chosen[layer] = index;
        at -= units(layers[layer][index].cost)?;
    }
    Some(chosen)
}

/// A cost in units, rounded up; `None` beyond the room.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to lie between 0 and the number of units"
)]
fn units(cost: f64) -> Option<usize> {
    let units = (cost.max(0.0) * UNITS as f64).ceil();
    (units <= UNITS as f64).then_some(units as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_best_of_all_combinations_is_found() {
        for seed in 0..40 {
            let mut random = Random::new(seed);
            let choice = |random: &mut Random| Choice {
                loss: f64::from(random.real()).abs(),
                cost: f64::from(random.real()).abs() / 2.0,
            };
            let layers: Vec<Vec<Choice>> = (0..4)
                .map(|_| (0..4).map(|_| choice(&mut random)).collect())
                .collect();
            let value = |at: &dyn Fn(usize) -> usize| {
                let picked = |l: usize| layers[l][at(l)];
                let fits = (0..4)
                    .map(|l| units(picked(l).cost).unwrap())
                    .sum::<usize>()
                    <= UNITS;
                fits.then(|| (0..4).map(|l| picked(l).loss).sum::<f64>())
            };
            let all = (0..256usize).filter_map(|code| value(&|l| code >> (2 * l) & 3));
            let least = all.min_by(f64::total_cmp);
            let found = choose(&layers).and_then(|c| value(&|l| c[l]));
            assert!(
                least == found || (least.unwrap() - found.unwrap()).abs() < 1e-9,
                "seed {seed}: {least:?} {found:?}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_not_chosen() {
        let choice = |cost| Choice { loss: 1.0, cost };
        assert_eq!(choose(&[vec![choice(0.6)], vec![choice(0.6)]]), None);
        let fits = vec![vec![choice(0.6), choice(0.4)], vec![choice(0.6)]];
        assert_eq!(choose(&fits), Some(vec![1, 0]));
    }
}
