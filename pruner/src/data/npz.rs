//! `.npz` archives written byte for byte reproducibly, and the class names that they may hold.

use super::{Array, DataError, archive, npy, text};
use std::io::{Cursor, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Name of the array of class names.
const CLASSES: &str = "classes";
/// Most classes that are read.
const MAX_CLASSES: usize = 1 << 16;

/// The bytes of an archive of named arrays and, unless there are none, class names as the array `classes`.
///
/// # Errors
///
/// What the archive writer says; it names `file`.
pub fn npz_bytes(
    file: &str,
    arrays: &[(&str, &Array)],
    classes: &[String],
) -> Result<Vec<u8>, DataError> {
    let mut members: Vec<(&str, Vec<u8>)> = arrays
        .iter()
        .map(|(name, array)| (*name, npy::to_bytes(array)))
        .collect();
    if !classes.is_empty() {
        members.push((CLASSES, text::to_bytes(classes)));
    }
    write(&members).map_err(|e| DataError::File {
        file: file.to_owned(),
        reason: format!("cannot be made: {e}"),
    })
}

fn write(members: &[(&str, Vec<u8>)]) -> zip::result::ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(format!("{name}.npy"), options)?;
        writer.write_all(bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// The class names of an archive, in the order of class indices; empty where it has none.
///
/// # Errors
///
/// The file cannot be opened or is no archive, or the array `classes` does not hold text.
pub fn read_classes(path: &Path) -> Result<Vec<String>, DataError> {
    let mut archive = archive(path)?;
    let member = format!("{CLASSES}.npy");
    if archive.index_for_name(&member).is_none() {
        return Ok(Vec::new());
    }
    let error = |reason: String| DataError::Array {
        file: path.display().to_string(),
        array: CLASSES.into(),
        reason,
    };
    let mut entry = archive.by_name(&member).map_err(|e| error(e.to_string()))?;
    text::read(&mut entry, MAX_CLASSES).map_err(error)
}

#[cfg(test)]
mod tests {
    use super::super::{Dataset, Elements};
    use super::*;

    #[test]
    fn an_archive_reads_back_and_its_bytes_depend_on_its_content_only() {
        let x = Array::new(vec![2, 3], Elements::U8(vec![1, 2, 3, 4, 5, 6])).expect("fits");
        let y = Array::new(vec![2], Elements::S64(vec![1, 0])).expect("fits");
        let classes = ["cat".to_owned(), "hündin".to_owned()];
        let make = || npz_bytes("a.npz", &[("x", &x), ("y", &y)], &classes).expect("is made");
        assert_eq!(make(), make());
        let folder = std::env::temp_dir();
        let path = folder.join(format!("nnz-npz-{}.npz", std::process::id()));
        std::fs::write(&path, make()).expect("is written");
        let data = Dataset::open(&path).expect("is a data set");
        assert_eq!(data.x(), &x);
        assert_eq!(data.labels(), Some(&[1, 0][..]));
        assert_eq!(read_classes(&path).expect("has classes"), classes);
        std::fs::write(&path, npz_bytes("a", &[("x", &x)], &[]).expect("is made"))
            .expect("written");
        assert!(read_classes(&path).expect("has none").is_empty());
        std::fs::remove_file(&path).expect("is removed");
    }

    #[test]
    fn several_inputs_have_one_array_each_with_as_many_samples() {
        let array = |n: usize| Array::new(vec![n, 1], Elements::U8(vec![7; n])).expect("fits");
        let (left, right, short) = (array(3), array(3), array(2));
        let folder = std::env::temp_dir();
        let path = folder.join(format!("nnz-inputs-{}.npz", std::process::id()));
        let members = [("left", &left), ("right", &right), ("short", &short)];
        std::fs::write(&path, npz_bytes("a", &members, &[]).expect("is made")).expect("written");
        let data = Dataset::open_for(&path, &["left", "right"]).expect("has both");
        assert_eq!((data.len(), data.array_for("right").0), (3, "right"));
        assert!(data.covers(&["right", "left"]).is_ok());
        let text = |names: &[&str]| {
            let refused = Dataset::open_for(&path, names).expect_err("is refused");
            refused.to_string()
        };
        let missing = text(&["left", "middle"]);
        assert!(
            missing.contains("named left, middle or x0 to x1 (found: left, right, short)"),
            "{missing}"
        );
        let shorter = text(&["left", "short"]);
        assert!(
            shorter.contains("as many samples as 'left', 3"),
            "{shorter}"
        );
        std::fs::remove_file(&path).expect("is removed");
    }
}
