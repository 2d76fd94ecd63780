//! Files appear whole or not at all.
//!
//! Content goes to a temporary file in the same folder, which then takes the name in one step; an existing file
//! stays as it was until then, and after any failure.

use crate::failure::{InFile, failure};
use std::io::Write;
use std::path::Path;

/// Writes `content` to `path`.
///
/// # Errors
///
/// Names the file; an existing one is untouched.
pub fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    check_writable(path)?;
    let mut file = tempfile::Builder::new()
        .prefix(".nnz-")
        .tempfile_in(folder(path))
        .map_err(|e| refusal(path, &e))?;
    file.write_all(content)
        .and_then(|()| file.as_file().sync_all())
        .map_err(|e| refusal(path, &e))?;
    open_to_all(file.as_file());
    file.persist(path).map_err(|e| refusal(path, &e.error))?;
    Ok(())
}

/// Finds out before a long computation whether `path` can be written.
///
/// # Errors
///
/// Names the file and the reason.
pub fn check_writable(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        return Err(failure("is a directory", "name a file to write")).in_file(path);
    }
    let folder = folder(path);
    if !folder.is_dir() {
        return Err(failure(
            "cannot be written: the folder does not exist",
            format!("`mkdir -p {}`", folder.display()),
        ))
        .in_file(path);
    }
    if let Ok(meta) = path.metadata()
        && meta.permissions().readonly()
    {
        return Err(failure("cannot be written: the file is read-only", HELP)).in_file(path);
    }
    tempfile::Builder::new()
        .prefix(".nnz-")
        .tempfile_in(folder)
        .map(drop)
        .map_err(|e| refusal(path, &e))
}

/// Makes the folder of dumps or several outputs.
///
/// # Errors
///
/// Names the folder and the reason.
pub fn make_folder(path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(path).map_err(|e| {
        failure(
            format!(
                "{}: no folder can be made here: {}",
                path.display(),
                reason(&e)
            ),
            "name a folder, or a new one in a folder that can be written",
        )
    })
}

const HELP: &str = "name another output with `-o`/`--output`; what was there is untouched";

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

fn refusal(path: &Path, error: &std::io::Error) -> anyhow::Error {
    failure(
        format!("{}: cannot be written: {}", path.display(), reason(error)),
        HELP,
    )
}

/// The operating system's words without the number.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or(&text)
        .to_lowercase()
}

/// Temporary files are private; results have the mode of ordinary files.
#[cfg(unix)]
fn open_to_all(file: &std::fs::File) {
    use std::os::unix::fs::PermissionsExt;
    // A file system without modes keeps what it has.
    let _ = file.set_permissions(std::fs::Permissions::from_mode(0o644));
}

#[cfg(not(unix))]
fn open_to_all(_file: &std::fs::File) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_replaces_the_file_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("a.nnz");
        write(&path, b"one").expect("first");
        write(&path, b"two").expect("second");
        assert_eq!(std::fs::read(&path).expect("read"), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).expect("list").count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named_with_a_way_out() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("no/a.nnz");
        let error = write(&path, b"x").expect_err("no folder");
        let (reason, help) = crate::failure::describe(&error);
        assert!(reason.contains("the folder does not exist"), "{reason}");
        assert!(help.expect("help").contains("mkdir"));
    }
}
