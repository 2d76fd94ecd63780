//! The files of a folder, with classes from the names of its sub-folders, in a seeded order.
//!
//! ```text
//! DIR/cat/1.png  DIR/cat/new/2.png  DIR/dog/1.png   →   classes cat, dog; 3 entries
//! DIR/1.png      DIR/2.png                          →   no classes; 2 entries
//! ```

use super::Kind;
use crate::failure::{InFile, failure};
use std::path::{Path, PathBuf};

/// How deep folders may lie in each other.
const DEPTH: usize = 16;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// Index of its class.
    pub class: Option<usize>,
}

/// The files of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Files of the wanted kind, sorted by path.
    pub entries: Vec<Entry>,
    /// Names of sub-folders that hold files, sorted; empty where files lie in the folder itself.
    pub classes: Vec<String>,
    /// Files of other kinds.
    pub others: usize,
}

/// Finds the files of a kind.
///
/// # Errors
///
/// A folder that cannot be read, without such files, or with files both in it and in its sub-folders.
pub fn list(folder: &Path, kind: Kind) -> anyhow::Result<Listing> {
    if !folder.is_dir() {
        let reason = if folder.exists() {
            "is a file, not a folder"
        } else {
            "no such folder"
        };
        return Err(failure(
            reason,
            "name a folder of files, or of one sub-folder for each class",
        ))
        .in_file(folder);
    }
    let mut found = Found::default();
    found.walk(folder, kind, 0)?;
    found.files.sort();
    let wanted = kind.extensions().join(", .");
    if found.files.is_empty() {
        return Err(failure(
            format!(
                "no .{wanted} file in this folder ({} other files)",
                found.others
            ),
            "name a folder of such files, or of one sub-folder for each class",
        ))
        .in_file(folder);
    }
    let (entries, classes) = with_classes(folder, found.files)?;
    Ok(Listing {
        entries,
        classes,
        others: found.others,
    })
}

#[derive(Debug, Default)]
struct Found {
    files: Vec<PathBuf>,
    others: usize,
}

impl Found {
    fn walk(&mut self, folder: &Path, kind: Kind, depth: usize) -> anyhow::Result<()> {
        let unreadable = |e: std::io::Error| anyhow::anyhow!("cannot be read: {e}");
        for entry in std::fs::read_dir(folder)
            .map_err(unreadable)
            .in_file(folder)?
        {
            let entry = entry.map_err(unreadable).in_file(folder)?;
            let path = entry.path();
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            // A link to a folder is not followed: it may lead back here.
            let is_link = path.is_symlink();
            if hidden || (is_link && path.is_dir()) {
                continue;
            }
            if path.is_dir() {
                if depth < DEPTH {
                    self.walk(&path, kind, depth + 1)?;
                }
            } else if Kind::of(&path) == Some(kind) {
                self.files.push(path);
            } else {
                self.others += 1;
            }
        }
        Ok(())
    }
}

/// The first folder below `root` on the way to a file; `None` for a file in `root` itself.
fn class_of(root: &Path, file: &Path) -> Option<String> {
    let mut parts = file.strip_prefix(root).ok()?.components();
    let first = parts.next()?;
    parts
        .next()
        .map(|_| first.as_os_str().to_string_lossy().into_owned())
}

fn with_classes(root: &Path, files: Vec<PathBuf>) -> anyhow::Result<(Vec<Entry>, Vec<String>)> {
    let names: Vec<Option<String>> = files.iter().map(|f| class_of(root, f)).collect();
    let mut classes: Vec<String> = names.iter().flatten().cloned().collect();
    classes.sort();
    classes.dedup();
    if let (false, Some(stray)) = (classes.is_empty(), names.iter().position(Option::is_none)) {
        return Err(failure(
            format!(
                "lies beside the class folder '{}', so that its class is not known",
                classes[0]
            ),
            "move it into a class folder, or name the folder of one class",
        ))
        .in_file(&files[stray]);
    }
    let index = |name: Option<String>| name.and_then(|n| classes.binary_search(&n).ok());
    let entries = files
        .into_iter()
        .zip(names)
        .map(|(path, name)| Entry {
            path,
            class: index(name),
        })
        .collect();
    Ok((entries, classes))
}

/// `items` in an order that depends on the seed only (Fisher and Yates).
pub fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for end in (1..items.len()).rev() {
        items.swap(end, below(&mut state, end + 1));
    }
}

/// A number below `n` (`SplitMix64`; Steele, Lea and Flood 2014).
fn below(state: &mut u64, n: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let wide = u128::from(z ^ (z >> 31)) * n as u128;
    usize::try_from(wide >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::describe;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("folder");
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().expect("has one")).expect("folder");
            std::fs::write(path, b"x").expect("file");
        }
        dir
    }

    #[test]
    fn sub_folders_are_classes_in_the_order_of_their_names() {
        let dir = folder(&[
            "dog/b.PNG",
            "cat/new/a.jpg",
            "cat/.hidden.png",
            "readme.txt",
        ]);
        let found = list(dir.path(), Kind::Picture).expect("is a folder");
        assert_eq!(found.classes, ["cat", "dog"]);
        let classes: Vec<_> = found.entries.iter().map(|e| e.class).collect();
        assert_eq!(classes, [Some(0), Some(1)]);
        assert_eq!(found.others, 1);
        let flat = folder(&["2.wav", "1.wav"]);
        let found = list(flat.path(), Kind::Sound).expect("is a folder");
        assert!(found.classes.is_empty());
        assert!(found.entries[0].path.ends_with("1.wav"));
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_named_with_a_way_out() {
        let stray = folder(&["cat/a.png", "b.png"]);
        let error = list(stray.path(), Kind::Picture).expect_err("has a stray file");
        let (reason, help) = describe(&error);
        assert!(reason.contains("b.png: lies beside"), "{reason}");
        assert!(help.is_some());
        let empty = folder(&["a.txt"]);
        let error = list(empty.path(), Kind::Picture).expect_err("has no picture");
        let (reason, _) = describe(&error);
        assert!(
            reason.ends_with("no .png, .jpg, .jpeg, .bmp file in this folder (1 other files)"),
            "{reason}"
        );
        assert!(list(&empty.path().join("no"), Kind::Picture).is_err());
        assert!(list(&empty.path().join("a.txt"), Kind::Picture).is_err());
    }

    #[test]
    fn shuffling_depends_on_the_seed_only() {
        let shuffled = |seed| {
            let mut items: Vec<usize> = (0..100).collect();
            shuffle(&mut items, seed);
            items
        };
        assert_eq!(shuffled(3), shuffled(3));
        assert_ne!(shuffled(3), shuffled(4));
        let mut sorted = shuffled(3);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }
}
