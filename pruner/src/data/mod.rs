//! Calibration and evaluation data: `.npz` archives with `x` and maybe `y`, and single `.npy` arrays.
//!
//! ```text
//! file → Array (limits before memory) → Dataset (finite, labelled) → Samples (axes, mean/std) → [c][h][w]
//! ```

mod array;
mod error;
mod inputs;
mod npy;
mod npz;
mod preprocess;
mod samples;
#[cfg(test)]
mod tests;
mod text;

pub use array::{Array, Elements};
pub use error::DataError;
pub use npy::{MAX_BYTES, to_bytes};
pub use npz::{npz_bytes, read_classes};
pub use preprocess::Preprocess;
pub use samples::Samples;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use zip::ZipArchive;

/// What `y` of a data set holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// No `y`.
    None,
    /// One class index a sample.
    Classes(Vec<usize>),
    /// Real values, any number a sample.
    Values(Array),
}

/// Samples in file order with what is expected of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    file: String,
    x_name: String,
    x: Array,
    /// One array an input, by name, for networks that have several; `x` is the first of them.
    inputs: Vec<(String, Array)>,
    targets: Targets,
}

impl Dataset {
    /// Opens an `.npz` archive (`x`, optional `y`) or a single `.npy` array (`x`).
    ///
    /// # Errors
    ///
    /// Names file and array, and what was found and expected.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let file = path.display().to_string();
        if path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("npy"))
        {
            return Self::new(&file, "x", read_npy(path)?, None);
        }
        let x = read_npz(path, "x")?.ok_or_else(|| DataError::MissingArray {
            file: file.clone(),
            array: "x".into(),
            found: array_names(path).unwrap_or_default(),
        })?;
        let y = read_npz(path, "y")?;
        Self::new(&file, "x", x, y)
    }

    /// Whether there is an array for each of the inputs with these names.
    ///
    /// # Errors
    ///
    /// Names the arrays that are needed.
    pub fn covers(&self, names: &[&str]) -> Result<(), DataError> {
        let has = |name: &&str| self.inputs.iter().any(|(n, _)| n == name);
        if names.len() < 2 || names.iter().all(has) {
            return Ok(());
        }
        Err(DataError::Inputs {
            file: self.file.clone(),
            wanted: names.iter().map(ToString::to_string).collect(),
            found: self.inputs.iter().map(|(n, _)| n.clone()).collect(),
        })
    }

    /// The name and the array of the samples for an input.
    #[must_use]
    pub fn array_for(&self, input: &str) -> (&str, &Array) {
        let named = self.inputs.iter().find(|(name, _)| name == input);
        named.map_or((&self.x_name, &self.x), |(name, array)| (name, array))
    }

    /// A data set of arrays in memory; `file` and `x_name` appear in errors.
    ///
    /// # Errors
    ///
    /// `x` without samples or with values that are not finite; `y` of another length or with negative classes.
    pub fn new(file: &str, x_name: &str, x: Array, y: Option<Array>) -> Result<Self, DataError> {
        let shape_error = |array: &str, found: &[usize], expected: String| DataError::Shape {
            file: file.to_string(),
            array: array.to_string(),
            found: found.to_vec(),
            expected,
            hint: String::new(),
        };
        let (Some(&n), false) = (x.shape.first(), x.elements.is_empty()) else {
            return Err(shape_error(
                x_name,
                &x.shape,
                "at least one sample [N, …]".into(),
            ));
        };
        if let Elements::F32(values) = &x.elements
            && let Some(at) = values.iter().position(|v| !v.is_finite())
        {
            return Err(DataError::NotFinite {
                file: file.to_string(),
                array: x_name.to_string(),
                sample: at / (values.len() / n),
            });
        }
        let targets = match y {
            None => Targets::None,
            Some(y) => targets_of(file, "y", y, n)?,
        };
        Ok(Self {
            file: file.to_string(),
            x_name: x_name.to_string(),
            x,
            inputs: Vec::new(),
            targets,
        })
    }

    /// Number of samples, at least 1.
    #[must_use]
    pub fn len(&self) -> usize {
        self.x.shape.first().copied().unwrap_or(0)
    }

    /// Whether there are no samples (never).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Dimensions of one sample.
    #[must_use]
    pub fn dims(&self) -> &[usize] {
        self.x.shape.get(1..).unwrap_or_default()
    }

    /// All samples.
    #[must_use]
    pub const fn x(&self) -> &Array {
        &self.x
    }

    /// What is expected of the samples.
    #[must_use]
    pub const fn targets(&self) -> &Targets {
        &self.targets
    }

    /// One class index a sample, if `y` holds them.
    #[must_use]
    pub fn labels(&self) -> Option<&[usize]> {
        match &self.targets {
            Targets::Classes(classes) => Some(classes),
            Targets::None | Targets::Values(_) => None,
        }
    }

    /// The path for messages.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }
}

/// What the array `name` says that `n` samples shall give.
fn targets_of(file: &str, name: &str, y: Array, n: usize) -> Result<Targets, DataError> {
    let array_error = |reason: String| DataError::Array {
        file: file.to_string(),
        array: name.into(),
        reason,
    };
    if y.shape.first() != Some(&n) {
        return Err(DataError::Shape {
            file: file.to_string(),
            array: name.into(),
            found: y.shape,
            expected: format!("[{n}] as 'x' has {n} samples"),
            hint: String::new(),
        });
    }
    let classes: Vec<i64> = match y.elements {
        Elements::F32(ref v) if v.iter().all(|x| x.is_finite()) => return Ok(Targets::Values(y)),
        Elements::F32(_) => return Err(array_error("holds a NaN or an infinity".into())),
        Elements::U8(v) => v.into_iter().map(i64::from).collect(),
        Elements::S8(v) => v.into_iter().map(i64::from).collect(),
        Elements::S64(v) => v,
    };
    if classes.len() != n {
        return Err(DataError::Shape {
            file: file.to_string(),
            array: name.into(),
            found: y.shape,
            expected: format!("[{n}], one class a sample"),
            hint: "give class indices, or floats for regression".into(),
        });
    }
    let index = |class: i64| {
        usize::try_from(class).map_err(|_| array_error(format!("{class} is not a class index")))
    };
    Ok(Targets::Classes(
        classes.into_iter().map(index).collect::<Result<_, _>>()?,
    ))
}

/// Reads a `.npy` file.
///
/// # Errors
///
/// Names the file and what is wrong.
pub fn read_npy(path: &Path) -> Result<Array, DataError> {
    let file = path.display().to_string();
    npy::read(&mut BufReader::new(open(path)?)).map_err(|reason| DataError::Array {
        file,
        array: String::new(),
        reason,
    })
}

/// Writes a `.npy` file.
///
/// # Errors
///
/// What the system said.
pub fn write_npy(path: &Path, array: &Array) -> Result<(), DataError> {
    std::fs::write(path, to_bytes(array)).map_err(|e| DataError::File {
        file: path.display().to_string(),
        reason: format!("cannot be written: {e}"),
    })
}

/// Reads one array of an `.npz` archive, `None` if it is not there.
///
/// # Errors
///
/// Names the file, the array and what is wrong.
pub fn read_npz(path: &Path, array: &str) -> Result<Option<Array>, DataError> {
    let mut archive = archive(path)?;
    let member = format!("{array}.npy");
    if archive.index_for_name(&member).is_none() {
        return Ok(None);
    }
    let error = |reason: String| DataError::Array {
        file: path.display().to_string(),
        array: array.to_string(),
        reason,
    };
    let mut entry = archive.by_name(&member).map_err(|e| error(e.to_string()))?;
    npy::read(&mut entry).map(Some).map_err(error)
}

/// Names of the arrays of an `.npz` archive, sorted.
///
/// # Errors
///
/// The file cannot be opened or is not an archive.
pub fn array_names(path: &Path) -> Result<Vec<String>, DataError> {
    let archive = archive(path)?;
    let arrays = archive.file_names().filter_map(|n| n.strip_suffix(".npy"));
    let mut names: Vec<_> = arrays.map(str::to_string).collect();
    names.sort();
    Ok(names)
}

fn archive(path: &Path) -> Result<ZipArchive<BufReader<File>>, DataError> {
    let file = |reason: &str| DataError::File {
        file: path.display().to_string(),
        reason: reason.to_owned(),
    };
    if path.is_dir() {
        return Err(file(
            "is a folder: `nnz calib images|wavs|csv FOLDER -o X.npz` makes a data file of it",
        ));
    }
    ZipArchive::new(BufReader::new(open(path)?)).map_err(|_| {
        file(
            "is not an .npz archive: numpy.savez(FILE, x=…) writes one, `nnz calib` makes one of pictures, sounds and tables",
        )
    })
}

fn open(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|e| DataError::File {
        file: path.display().to_string(),
        reason: if e.kind() == std::io::ErrorKind::NotFound {
            "no such file".to_owned()
        } else {
            format!("cannot be opened: {e}")
        },
    })
}
