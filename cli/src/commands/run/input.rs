//! Inputs of `nnz run`: arrays, data files, pictures and sounds.

use super::engine::Input;
use crate::commands::common::DataArgs;
use crate::failure::{InFile, failure};
use crate::media::Kind;
use crate::media::mfcc::{self, Mfcc};
use crate::media::picture::{self, Color, Resize, Size};
use crate::media::sound::{self, Align};
use crate::{arrays, infer, network};
use nnz_pruner::data::{Array, Dataset, Elements, Preprocess, Samples};
use nnz_pruner::ir::{Order, Tensor};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// How pictures and sounds become arrays.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Pictures and sounds")]
pub(super) struct Reading {
    /// What happens to a picture whose sides have another ratio than the input's
    #[arg(long, value_enum, default_value_t)]
    resize: Resize,
    /// Samples a second that the network takes
    #[arg(long, value_name = "HZ", default_value_t = mfcc::RATE, value_parser = clap::value_parser!(u32).range(100..=384_000))]
    rate: u32,
    /// Which part of a sound is kept, on which side a short one is padded
    #[arg(long, value_enum, default_value_t)]
    align: Align,
}

/// The rows of one input.
#[derive(Debug)]
pub(super) struct Rows {
    set: Rc<Dataset>,
    /// Axis order, `None` for the model's.
    order: Option<Order>,
    /// A picture or a sound: numbers that the network may not be made for.
    is_media: bool,
}

/// Reads one file per network input, in the network's order.
pub(super) fn read(
    args: &[String],
    inputs: &[Input],
    reading: &Reading,
    options: &DataArgs,
) -> anyhow::Result<Vec<Rows>> {
    if let Some(all) = archive(args, inputs, options)? {
        return Ok(all);
    }
    let mut found: Vec<Option<Rows>> = inputs.iter().map(|_| None).collect();
    for arg in args {
        let (index, path) = which_input(arg, inputs)?;
        let tensor = &inputs[index].tensor;
        let rows = read_one(&path, tensor, reading, options.order())?;
        if found[index].replace(rows).is_some() {
            return Err(failure(
                format!("input '{}' is given twice", tensor.name),
                format!("the network's inputs are {}", names(inputs)),
            ));
        }
    }
    match found.iter().position(Option::is_none) {
        Some(i) => Err(failure(
            format!("input '{}' is missing", inputs[i].tensor.name),
            format!(
                "give every input as `--input NAME=X.npy`: {}",
                names(inputs)
            ),
        )),
        None => Ok(found.into_iter().flatten().collect()),
    }
}

/// The rows of all of several inputs, where one archive is given for them.
fn archive(
    args: &[String],
    inputs: &[Input],
    options: &DataArgs,
) -> anyhow::Result<Option<Vec<Rows>>> {
    let [path] = args else { return Ok(None) };
    let path = Path::new(path);
    if inputs.len() < 2 || !is_npz(path) || !path.exists() {
        return Ok(None);
    }
    let names: Vec<&str> = inputs.iter().map(|i| &*i.tensor.name).collect();
    let set = Rc::new(Dataset::open_for(path, &names)?);
    let rows = inputs.iter().map(|_| Rows {
        set: Rc::clone(&set),
        order: options.order(),
        is_media: false,
    });
    Ok(Some(rows.collect()))
}

fn is_npz(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "npz")
}

fn read_one(
    path: &Path,
    tensor: &Tensor,
    reading: &Reading,
    order: Option<Order>,
) -> anyhow::Result<Rows> {
    let name = path.display().to_string();
    let in_memory = |array, order| {
        Ok(Rows {
            set: Rc::new(Dataset::new(&name, &tensor.name, array, None)?),
            order,
            is_media: true,
        })
    };
    match Kind::of(path) {
        Some(Kind::Picture) => in_memory(picture_for(path, tensor, reading)?, Some(Order::Nhwc)),
        Some(Kind::Sound) => in_memory(sound_for(path, tensor, reading)?, None),
        Some(Kind::Table) => Err(failure(
            "is a table; `run` takes arrays, pictures and sounds",
            "`nnz calib csv FILE -o X.npz` makes a data file of it",
        ))
        .in_file(path),
        None if is_npz(path) => Ok(Rows {
            set: Rc::new(Dataset::open_for(path, &[&tensor.name])?),
            order,
            is_media: false,
        }),
        None => {
            let array = arrays::read_batch(path, &infer::dims_in(tensor, order))?;
            Ok(Rows {
                set: Rc::new(Dataset::new(&name, &tensor.name, array, None)?),
                order,
                is_media: false,
            })
        }
    }
}

/// A picture in rows, columns and channels of an input.
fn picture_for(path: &Path, tensor: &Tensor, reading: &Reading) -> anyhow::Result<Array> {
    let shape = tensor.shape;
    let color = match shape.c {
        1 => Color::Gray,
        3 => Color::Rgb,
        other => {
            return Err(failure(
                format!(
                    "is a picture; input '{}' has {other} channels of {}x{}, not 1 or 3",
                    tensor.name, shape.h, shape.w
                ),
                "give an array: `--input X.npy`",
            ))
            .in_file(path);
        }
    };
    let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let size = Size {
        width: side(shape.w),
        height: side(shape.h),
    };
    let pixels = picture::bytes(&picture::open(path)?, size, reading.resize, color);
    array(vec![1, shape.h, shape.w, shape.c], Elements::U8(pixels)).in_file(path)
}

/// A sound as the features or samples that an input takes.
fn sound_for(path: &Path, tensor: &Tensor, reading: &Reading) -> anyhow::Result<Array> {
    let axes: Vec<usize> = tensor
        .source
        .dims
        .iter()
        .copied()
        .filter(|&d| d > 1)
        .collect();
    match axes[..] {
        [frames, mfcc::COEFFICIENTS] if reading.rate == mfcc::RATE => {
            let clip = sound::open(path, mfcc::RATE)?;
            let clip = sound::to_len(clip, Mfcc::samples(frames), reading.align);
            let features = Mfcc::default().features(&clip);
            eprintln!(
                "note: {}: {frames} frames of {} MFCC (`nnz help calib wavs` says how)",
                path.display(),
                mfcc::COEFFICIENTS
            );
            array(vec![1, frames, mfcc::COEFFICIENTS], Elements::F32(features)).in_file(path)
        }
        [samples] => {
            let clip = sound::to_len(sound::open(path, reading.rate)?, samples, reading.align);
            array(vec![1, samples], Elements::F32(clip)).in_file(path)
        }
        _ => Err(failure(
            format!(
                "is a sound; input '{}' takes {:?}, neither samples nor frames of {} features",
                tensor.name,
                tensor.source.dims,
                mfcc::COEFFICIENTS
            ),
            "compute the features that the network was trained on, and give them as `--input X.npy`",
        ))
        .in_file(path),
    }
}

fn array(shape: Vec<usize>, elements: Elements) -> anyhow::Result<Array> {
    Array::new(shape, elements).ok_or_else(|| anyhow::anyhow!("does not fill the input"))
}

/// The input that `[NAME=]X` means; a path that exists may contain `=`.
fn which_input(arg: &str, inputs: &[Input]) -> anyhow::Result<(usize, PathBuf)> {
    if let Some((name, path)) = arg.split_once('=') {
        if let Some(i) = inputs.iter().position(|p| p.tensor.name == name) {
            return Ok((i, path.into()));
        }
        if !Path::new(arg).exists() {
            return Err(failure(
                format!("the network has no input '{name}'"),
                format!("its inputs are {}", names(inputs)),
            ));
        }
    }
    if inputs.len() > 1 {
        return Err(failure(
            format!(
                "the network has {} inputs, '{arg}' names none of them",
                inputs.len()
            ),
            format!(
                "give each as `--input NAME=X.npy`, or all in one .npz under their names: {}",
                names(inputs)
            ),
        ));
    }
    Ok((0, arg.into()))
}

fn names(inputs: &[Input]) -> String {
    let quoted: Vec<String> = inputs
        .iter()
        .map(|p| format!("'{}'", p.tensor.name))
        .collect();
    quoted.join(", ")
}

/// Matches the rows with the inputs' shapes and preprocessing.
pub(super) fn bind<'d>(
    rows: &'d [Rows],
    inputs: &[Input],
    options: &DataArgs,
) -> anyhow::Result<Vec<Samples<'d>>> {
    let bind = |(rows, input): (&'d Rows, &Input)| {
        let preprocess = preprocess(&rows.set, input, options)?;
        Ok(rows.set.samples(&input.tensor, rows.order, &preprocess)?)
    };
    rows.iter().zip(inputs).map(bind).collect()
}

/// What is done to the rows: nothing to an integer network's own numbers; else the file's, or what was given where
/// the file has none.
fn preprocess(set: &Dataset, input: &Input, options: &DataArgs) -> anyhow::Result<Preprocess> {
    let array = set.array_for(&input.tensor.name).1;
    let own_numbers = matches!(array.elements, Elements::S8(_)) && input.tensor.quant.is_some();
    let given = options.preprocess();
    if own_numbers {
        return Ok(Preprocess::NONE);
    }
    if given.is_identity() || !input.trained_on.is_identity() {
        network::check_same(&input.trained_on, &given)?;
        return Ok(input.preprocess.clone());
    }
    Ok(given)
}

/// Says so where much of a picture or sound lies outside what an integer input can hold.
pub(super) fn note_clipping(rows: &[Rows], samples: &[Samples<'_>], inputs: &[Input]) {
    for ((rows, samples), input) in rows.iter().zip(samples).zip(inputs) {
        let (true, Some(quant)) = (rows.is_media, input.tensor.quant) else {
            continue;
        };
        let real = |q: f32| {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a zero point is within -128..127"
            )]
            let zero_point = quant.zero_point as f32;
            (q - zero_point) * quant.scale
        };
        let (low, high) = (real(-129.0), real(128.0));
        let values = samples.get(0);
        let outside = values.iter().filter(|v| !(low..=high).contains(*v)).count();
        if outside * 4 > values.len() {
            eprintln!(
                "note: input '{}' holds {low:.3} to {high:.3}; {outside} of {} values lie outside: it may need \
                 the --mean and --std of its training",
                input.tensor.name,
                values.len()
            );
        }
    }
}

/// The number of rows, the same for all inputs.
pub(super) fn rows(rows: &[Rows], inputs: &[Input]) -> anyhow::Result<usize> {
    let count = rows.first().map_or(0, |r| r.set.len());
    match rows.iter().position(|r| r.set.len() != count) {
        Some(i) => Err(failure(
            format!(
                "input '{}' has {} rows, '{}' has {count}",
                inputs[i].tensor.name,
                rows[i].set.len(),
                inputs[0].tensor.name
            ),
            "give every input the same number of rows",
        )),
        None => Ok(count),
    }
}
