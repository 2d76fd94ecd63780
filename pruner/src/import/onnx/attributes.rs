//! Attributes of a node, by name, with the defaults that the operators' specifications give.

use super::super::error::Problem;
use super::super::geometry::window_number;
use super::super::limits;
use super::schema::{Attribute, TensorProto};

/// The attributes of one node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes<'a>(pub(super) &'a [Attribute]);

impl<'a> Attributes<'a> {
    fn get(self, name: &str) -> Option<&'a Attribute> {
        self.0.iter().find(|a| a.name == name)
    }

    /// An integer.
    pub(super) fn int(self, name: &str, default: i64) -> i64 {
        self.get(name).and_then(|a| a.i).unwrap_or(default)
    }

    /// A float.
    pub(super) fn float(self, name: &str) -> Option<f32> {
        self.get(name).and_then(|a| a.f)
    }

    /// A string.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        let bytes = self.get(name)?.s.as_deref()?;
        core::str::from_utf8(bytes).ok()
    }

    /// A constant.
    pub(super) fn tensor(self, name: &str) -> Option<&'a TensorProto> {
        self.get(name)?.t.as_ref()
    }

    /// Several integers, at most as many as an operator can mean.
    pub(super) fn ints(self, name: &str) -> Result<Option<&'a [i64]>, Problem> {
        match self.get(name).map(|a| a.ints.as_slice()) {
            Some(ints) if ints.len() > 2 * limits::RANK => Err(Problem::malformed(format!(
                "attribute '{name}' has {} numbers",
                ints.len()
            ))),
            ints => Ok(ints),
        }
    }

    /// Several floats.
    pub(super) fn floats(self, name: &str) -> Option<&'a [f32]> {
        self.get(name).map(|a| a.floats.as_slice())
    }

    /// Rows and columns, `default` where the attribute is absent; one number is that of the columns.
    pub(super) fn pair(
        self,
        name: &str,
        default: Option<[usize; 2]>,
    ) -> Result<[usize; 2], Problem> {
        match (self.ints(name)?, default) {
            (Some(&[h, w]), _) => Ok([window_number(name, h, 1)?, window_number(name, w, 1)?]),
            (Some(&[w]), _) => Ok([1, window_number(name, w, 1)?]),
            (None | Some([]), Some(default)) => Ok(default),
            (None | Some([]), None) => {
                Err(Problem::malformed(format!("attribute '{name}' is missing")))
            }
            (Some(other), _) => Err(Problem::unsupported(format!(
                "attribute '{name}' is {other:?}; only 1-D and 2-D windows are supported"
            ))),
        }
    }

    /// Refuses windows over another number of axes than `axes`.
    pub(super) fn over(self, axes: usize) -> Result<(), Problem> {
        for (name, numbers) in [
            ("kernel_shape", axes),
            ("strides", axes),
            ("dilations", axes),
            ("pads", 2 * axes),
        ] {
            let found = self.ints(name)?.unwrap_or_default();
            let is_window = name != "pads" || self.get("mode").is_none();
            if is_window && !found.is_empty() && found.len() != numbers {
                return Err(Problem::malformed(format!(
                    "attribute '{name}' is {found:?} for a window over {axes} axes"
                )));
            }
        }
        Ok(())
    }

    /// Refuses dilated windows.
    pub(super) fn undilated(self) -> Result<(), Problem> {
        let [h, w] = self.pair("dilations", Some([1, 1]))?;
        if (h, w) == (1, 1) {
            return Ok(());
        }
        Err(Problem::refused(
            format!("dilation {h}x{w} is not supported (1x1 only)"),
            "export with `dilation=1`, or fold it into the kernel",
        ))
    }
}
