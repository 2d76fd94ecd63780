//! Activations whose axes a `Reshape` divides into five or six, transposed and joined again.
//!
//! So exporters write what has a name: channel shuffles, sub-pixel shuffles and their inverse. Until the last reshape
//! nothing is added to the graph.
//!
//! ```text
//! [1, g, c, h, w]     ─0 2 1 3 4→    [1, c·g, h, w]          channel_shuffle
//! [1, c, r, s, h, w]  ─0 1 4 2 5 3→  [1, c, h·r, w·s]        depth_to_space, a channel's pixels together
//! [1, r, s, c, h, w]  ─0 3 4 1 5 2→  [1, c, h·r, w·s]        depth_to_space, a pixel's channels together
//! [1, c, h, r, w, s]  ─0 1 3 5 2 4→  [1, c·r·s, h, w]        space_to_depth, a channel's pixels together
//! [1, c, h, r, w, s]  ─0 3 5 1 2 4→  [1, r·s·c, h, w]        space_to_depth, a pixel's channels together
//! ```

use super::super::error::Problem;
use super::super::geometry::orders_agree;
use super::{Call, Importer, Value};
use crate::ir::{BlockOrder, Op, Order, Rearrange, TensorId};

/// An activation between those reshapes.
#[derive(Debug, Clone)]
pub(super) struct Divided {
    input: TensorId,
    dims: Vec<usize>,
    /// The order in which the axes are read.
    perm: Vec<usize>,
}

impl Divided {
    /// The dimensions, as transposed.
    pub(super) fn dims(&self) -> Vec<usize> {
        self.perm.iter().map(|axis| self.dims[*axis]).collect()
    }

    /// Why it cannot be the input of an operator.
    pub(super) fn refusal(&self) -> Problem {
        Problem::refused(
            format!(
                "an activation of dimensions {:?}: those of rank {} are not supported (1 to 4 are)",
                self.dims(),
                self.dims.len()
            ),
            "channel and pixel shuffles by reshape, transpose and reshape are read; volumes and image sequences are not; \
             reshapes at the end of a network (detection heads) are the application's: let the network return what is before them",
        )
    }

    /// The operator that it is, joined to `to`.
    fn operator(&self, to: &[usize]) -> Option<Rearrange> {
        let [1, channels, rows, columns] = *to else {
            return None;
        };
        let (rearrange, wanted) = match (&self.dims[..], &self.perm[..]) {
            (&[1, groups, c, h, w], [0, 2, 1, 3, 4]) => {
                (Rearrange::ChannelShuffle { groups }, [c * groups, h, w])
            }
            (&[1, c, r, s, h, w], [0, 1, 4, 2, 5, 3]) => {
                let order = BlockOrder::ColumnFirst;
                (pixels(order, [r, s], [h * r, w * s]), [c, h * r, w * s])
            }
            (&[1, r, s, c, h, w], [0, 3, 4, 1, 5, 2]) => {
                let order = BlockOrder::DepthFirst;
                (pixels(order, [r, s], [h * r, w * s]), [c, h * r, w * s])
            }
            (&[1, c, h, r, w, s], [0, 1, 3, 5, 2, 4]) => {
                let (block, order) = ([r, s], BlockOrder::ColumnFirst);
                (Rearrange::SpaceToDepth { block, order }, [c * r * s, h, w])
            }
            (&[1, c, h, r, w, s], [0, 3, 5, 1, 2, 4]) => {
                let (block, order) = ([r, s], BlockOrder::DepthFirst);
                (Rearrange::SpaceToDepth { block, order }, [c * r * s, h, w])
            }
            _ => return None,
        };
        (wanted == [channels, rows, columns]).then_some(rearrange)
    }
}

fn pixels(order: BlockOrder, block: [usize; 2], size: [usize; 2]) -> Rearrange {
    Rearrange::DepthToSpace {
        block,
        order,
        crop: [0, 0],
        size,
    }
}

impl<'a> Importer<'a> {
    /// What the node's input 0 stands for, where its axes are divided.
    pub(super) fn divided(&self, call: &Call<'a>) -> Result<Option<Divided>, Problem> {
        Ok(match self.value(call, 0)? {
            Some(Value::Divided(divided)) => Some(divided),
            Some(Value::Activation(_) | Value::Constant(_)) | None => None,
        })
    }

    /// Remembers that a reshape divides the axes of `input`, which must have its channels first.
    pub(super) fn divide(
        &mut self,
        call: &Call<'a>,
        input: TensorId,
        dims: &[usize],
    ) -> Result<(), Problem> {
        let tensor = self.tensor(input);
        let divided = Divided {
            input,
            dims: dims.to_vec(),
            perm: (0..dims.len()).collect(),
        };
        if tensor.source.order == Order::Nhwc && !orders_agree(tensor.shape) {
            return Err(divided.refusal());
        }
        self.bind(call.output()?, Value::Divided(divided))
    }

    /// Remembers in which order the axes are read.
    pub(super) fn turn(
        &mut self,
        call: &Call<'a>,
        divided: Divided,
        perm: &[usize],
    ) -> Result<(), Problem> {
        let perm = perm.iter().map(|axis| divided.perm[*axis]).collect();
        let turned = Divided { perm, ..divided };
        self.bind(call.output()?, Value::Divided(turned))
    }

    /// The activation that input 0 is or, where its axes are `divided`, whose elements it shows in another order.
    pub(super) fn whole(
        &self,
        call: &Call<'a>,
        divided: Option<&Divided>,
    ) -> Result<TensorId, Problem> {
        match divided {
            Some(divided) => Ok(divided.input),
            None => self.input(call, 0),
        }
    }

    /// Lets the output of `call`, which acts on single elements, be `output` with the axes `divided` as its input's.
    pub(super) fn bind_as(
        &mut self,
        call: &Call<'a>,
        divided: Option<Divided>,
        output: TensorId,
    ) -> Result<(), Problem> {
        let value = match divided {
            Some(divided) => Value::Divided(Divided {
                input: output,
                ..divided
            }),
            None => Value::Activation(output),
        };
        self.bind(call.output()?, value)
    }

    /// Adds the node that a last reshape, to `dims`, makes of a divided activation.
    pub(super) fn join(
        &mut self,
        call: &Call<'a>,
        divided: &Divided,
        dims: &[usize],
    ) -> Result<(), Problem> {
        let Some(rearrange) = divided.operator(dims) else {
            return Err(divided.refusal());
        };
        let op = Op::Rearrange(rearrange);
        self.emit(call, op, &[divided.input], dims, Order::Nchw)?;
        Ok(())
    }
}
