//! Data of networks whose inputs and outputs have names.
//!
//! ```text
//! inputs       arrays of the archive
//! one          x, else the input's name
//! several      the inputs' names, else x0, x1, … in the network's order
//! an output    its name, else y
//! ```

use super::{Array, DataError, Dataset, array_names, read_npz};
use std::path::Path;

impl Dataset {
    /// Opens the samples of a network whose inputs have these names.
    ///
    /// For one input as [`open`](Self::open); an archive may also call its array by the input's name. For several, an
    /// `.npz` archive with one array for each, under its name or as `x0`, `x1`, … in this order, with the same number of
    /// samples.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and names the arrays that are needed.
    pub fn open_for(path: &Path, names: &[&str]) -> Result<Self, DataError> {
        let is_npy = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("npy"));
        match names {
            [] => Self::open(path),
            [_] if is_npy => Self::open(path),
            [name] => Self::open_one(path, name),
            _ if is_npy => Err(wanted(path, names, Vec::new())),
            _ => Self::open_several(path, names),
        }
    }

    /// Reads what is expected of the output `name` from the array of that name, where the archive has one; `y` stays
    /// what is expected otherwise. Returns whether there is one.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open) for an array `y`.
    pub fn expect_output(&mut self, path: &Path, name: &str) -> Result<bool, DataError> {
        let is_npy = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("npy"));
        if is_npy || self.is_input(name) {
            return Ok(false);
        }
        let Some(y) = read_npz(path, name)? else {
            return Ok(false);
        };
        self.targets = super::targets_of(self.file(), name, y, self.len())?;
        Ok(true)
    }

    fn is_input(&self, name: &str) -> bool {
        self.x_name == name || self.inputs.iter().any(|(input, _)| input == name)
    }

    fn open_one(path: &Path, name: &str) -> Result<Self, DataError> {
        let named = read_npz(path, "x")?.is_none() && name != "y";
        match named.then(|| read_npz(path, name)).transpose()?.flatten() {
            Some(x) => Self::new(&path.display().to_string(), name, x, read_npz(path, "y")?),
            None => Self::open(path),
        }
    }

    fn open_several(path: &Path, names: &[&str]) -> Result<Self, DataError> {
        let file = path.display().to_string();
        let found = array_names(path)?;
        let has = |name: &str| found.iter().any(|f| f == name);
        let numbered: Vec<String> = (0..names.len()).map(|i| format!("x{i}")).collect();
        let by_number = !names.iter().all(|n| has(n)) && numbered.iter().all(|n| has(n));
        let mut inputs: Vec<(String, Array)> = Vec::new();
        for (name, number) in names.iter().zip(&numbered) {
            let array = if by_number { number } else { *name };
            let x = read_npz(path, array)?.ok_or_else(|| wanted(path, names, found.clone()))?;
            let x = Self::new(&file, array, x, None)?.x;
            if let Some((first, other)) = inputs.first()
                && other.shape.first() != x.shape.first()
            {
                return Err(DataError::Shape {
                    file,
                    array: array.to_owned(),
                    found: x.shape,
                    expected: format!("as many samples as '{first}', {}", other.shape[0]),
                    hint: String::new(),
                });
            }
            inputs.push(((*name).to_owned(), x));
        }
        let (first, x) = inputs[0].clone();
        let mut data = Self::new(&file, &first, x, read_npz(path, "y")?)?;
        data.inputs = inputs;
        Ok(data)
    }
}

fn wanted(path: &Path, names: &[&str], found: Vec<String>) -> DataError {
    DataError::Inputs {
        file: path.display().to_string(),
        wanted: names.iter().map(ToString::to_string).collect(),
        found,
    }
}
