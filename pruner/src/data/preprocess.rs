//! From data values to the real numbers that a network was trained on.

use super::DataError;

/// `real = (x − mean) / std`, one number for all channels or one a channel; empty means none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Preprocess {
    /// Subtracted; empty is 0.
    pub mean: Vec<f32>,
    /// Divided by, positive; empty is 1.
    pub std: Vec<f32>,
}

impl Preprocess {
    /// The values as they are.
    pub const NONE: Self = Self {
        mean: Vec::new(),
        std: Vec::new(),
    };

    /// Whether values pass unchanged.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.mean.iter().all(|m| *m == 0.0) && self.std.iter().all(|s| *s == 1.0)
    }

    /// The one mean and deviation of all channels, `None` if channels differ.
    #[must_use]
    pub fn scalar(&self) -> Option<(f32, f32)> {
        let one = |v: &[f32], default: f32| match v.split_first() {
            None => Some(default),
            Some((first, rest)) => rest.iter().all(|x| x == first).then_some(*first),
        };
        Some((one(&self.mean, 0.0)?, one(&self.std, 1.0)?))
    }

    /// Mean and deviation of each of `channels` channels.
    ///
    /// # Errors
    ///
    /// A list whose length is neither 1 nor `channels`, a number that is not finite, a deviation that is not positive.
    pub fn per_channel(&self, channels: usize) -> Result<Vec<(f32, f32)>, DataError> {
        let spread = |what: &str, v: &[f32], default: f32| match v {
            [] => Ok(vec![default; channels]),
            [one] => Ok(vec![*one; channels]),
            many if many.len() == channels => Ok(many.to_vec()),
            many => Err(DataError::Preprocess {
                reason: format!(
                    "{} values of --{what} do not fit an input of {channels} channel{}",
                    many.len(),
                    if channels == 1 {
                        ": give one".to_string()
                    } else {
                        format!("s: give 1 or {channels}")
                    }
                ),
            }),
        };
        let mean = spread("mean", &self.mean, 0.0)?;
        let std = spread("std", &self.std, 1.0)?;
        let bad = mean
            .iter()
            .zip(&std)
            .any(|(m, s)| !(m.is_finite() && s.is_finite() && *s > 0.0));
        if bad {
            return Err(DataError::Preprocess {
                reason: "--mean must be finite and --std finite and positive".into(),
            });
        }
        Ok(mean.into_iter().zip(std).collect())
    }
}
