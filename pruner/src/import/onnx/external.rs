//! Constants whose values lie in another file beside the model (ONNX's external data).
//!
//! ```text
//! model.onnx        TensorProto { data_location 1, external_data { location, offset, length } }
//! model.onnx.data   …… bytes offset … offset + length ……
//! ```
//!
//! Only plain files of the model's own folder are read: the location is one file name, and what it leads to, links
//! followed, lies in that folder. All constants together are bounded like the file of a model.

use super::super::error::{Problem, printable};
use super::super::limits;
use super::schema::{ModelProto, TensorProto};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// `data_location` of values in another file.
const EXTERNAL: i32 = 1;
/// How to get rid of other files.
const ONE_FILE: &str = "save the model in one file: `onnx.save(onnx.load(IN), OUT)`";

/// Brings every external constant into the model; returns how many bytes were read.
pub(super) fn read_all(model: &mut ModelProto, folder: Option<&Path>) -> Result<usize, Problem> {
    let Some(graph) = model.graph.as_mut() else {
        return Ok(0);
    };
    let attributes = graph.node.iter_mut().flat_map(|n| &mut n.attribute);
    let tensors = attributes.filter_map(|a| a.t.as_mut());
    let mut all = 0;
    for tensor in tensors.chain(&mut graph.initializer) {
        if tensor.data_location == EXTERNAL {
            let room = limits::FILE_BYTES.saturating_sub(all);
            let bytes = read(tensor, folder, room)?;
            all += bytes.len() as u64;
            tensor.raw_data = Some(bytes);
            tensor.data_location = 0;
        }
    }
    Ok(usize::try_from(all).unwrap_or(usize::MAX))
}

/// The bytes of one constant, at most `room`.
fn read(tensor: &TensorProto, folder: Option<&Path>, room: u64) -> Result<Vec<u8>, Problem> {
    let name = printable(&tensor.name);
    let entry = |key: &str| {
        let found = tensor.external_data.iter().find(|e| e.key == key);
        found.map(|e| e.value.as_str())
    };
    let location = entry("location").unwrap_or_default();
    let number = |key: &str| match entry(key) {
        None | Some("") => Ok(None),
        Some(text) => text.parse::<u64>().map(Some).map_err(|_| {
            let shown = printable(text);
            Problem::malformed(format!("constant '{name}': {key} '{shown}' is no number"))
        }),
    };
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
    let path = inside(folder, location, &name)?;
    let failed = |e: std::io::Error| {
        Problem::refused(
            format!(
                "constant '{name}' lies in '{}', which cannot be read: {e}",
                printable(location)
            ),
            ONE_FILE,
        )
    };
    let mut file = File::open(&path).map_err(failed)?;
    let rest = file.metadata().map_err(failed)?.len().checked_sub(offset);
    let wanted = length.or(rest).unwrap_or(0);
    if rest.is_none_or(|rest| wanted > rest) {
        return Err(Problem::malformed(format!(
            "constant '{name}': bytes {offset} to {} of '{}' are past its end",
            offset.saturating_add(wanted),
            printable(location)
        )));
    }
    if wanted > room {
        return Err(Problem::Limit {
            what: "bytes of external constants",
            found: (limits::FILE_BYTES - room).saturating_add(wanted),
            limit: limits::FILE_BYTES,
        });
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset)).map_err(failed)?;
    file.take(wanted).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// The file that a location names, if it is a plain one of the model's folder.
fn inside(folder: Option<&Path>, location: &str, name: &str) -> Result<PathBuf, Problem> {
    let shown = printable(location);
    let Some(folder) = folder else {
        return Err(Problem::refused(
            format!(
                "constant '{name}' lies in another file, '{shown}', but the model is not read from a folder"
            ),
            ONE_FILE,
        ));
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let relative = location.strip_prefix("./").unwrap_or(location);
    let mut parts = Path::new(relative).components();
    let is_name = matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none();
    let refused = |what: &str| {
        Problem::refused(
            format!("constant '{name}' lies in '{shown}', {what}"),
            "external data must be a file beside the model: move it there and save the model again with `onnx.save(..., location=NAME)`",
        )
    };
    if !is_name || location.len() > limits::NAME {
        return Err(refused("which is not a file name in the model's folder"));
    }
    let path = folder.join(relative);
    let real = path.canonicalize().map_err(|e| {
        Problem::refused(
            format!("constant '{name}' lies in '{shown}', which cannot be read: {e}"),
            "put that file beside the model (exporters write both), or save the model in one file: `onnx.save(onnx.load(IN), OUT)`",
        )
    })?;
    let home = folder.canonicalize().ok();
    if home.is_none() || real.parent() != home.as_deref() {
        return Err(refused("a link that leads out of the model's folder"));
    }
    if !real.is_file() {
        return Err(refused("which is not a plain file"));
    }
    Ok(real)
}
