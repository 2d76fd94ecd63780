//! Files, text and the exit code of the debugger or emulator, by Arm's and RISC-V's semihosting.
//!
//! A call puts an operation in one register, the address of its arguments in another and stops
//! the core with an instruction that the debugger recognises.

use core::arch::asm;
use core::fmt::{self, Write};
use nnz_support::report::Record;

const OPEN: usize = 0x01;
const CLOSE: usize = 0x02;
const WRITE: usize = 0x05;
const READ: usize = 0x06;
const SEEK: usize = 0x0A;
const LENGTH: usize = 0x0C;
const EXIT: usize = 0x20;
/// The reason "application exit" of [`EXIT`].
const APPLICATION_EXIT: usize = 0x2_0026;

/// How a file is opened; the numbers are semihosting's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Mode {
    /// An existing file, to read.
    Read = 1,
    /// An empty file, to write.
    Write = 5,
}

/// An open file of the host.
#[derive(Debug)]
pub struct File {
    handle: usize,
}

/// A file cannot be opened, read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileError;

impl File {
    /// Opens `name`, which ends with a zero byte.
    pub fn open(name: &core::ffi::CStr, mode: Mode) -> Result<Self, FileError> {
        let arguments = [name.as_ptr() as usize, mode as usize, name.count_bytes()];
        // SAFETY: name, mode and length, as the operation wants them.
        match unsafe { call(OPEN, &arguments) } {
            usize::MAX => Err(FileError),
            handle => Ok(Self { handle }),
        }
    }

    /// Bytes of the file.
    pub fn len(&self) -> Result<usize, FileError> {
        // SAFETY: one handle, as the operation wants it.
        match unsafe { call(LENGTH, &[self.handle]) } {
            usize::MAX => Err(FileError),
            length => Ok(length),
        }
    }

    /// Whether the file has no bytes.
    pub fn is_empty(&self) -> Result<bool, FileError> {
        Ok(self.len()? == 0)
    }

    /// Fills `bytes` with the file's next bytes.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<(), FileError> {
        let arguments = [self.handle, bytes.as_mut_ptr() as usize, bytes.len()];
        // SAFETY: the buffer is ours for the call and as long as it says.
        if unsafe { call(READ, &arguments) } == 0 {
            Ok(())
        } else {
            Err(FileError)
        }
    }

    /// Goes back to the first byte.
    pub fn rewind(&mut self) -> Result<(), FileError> {
        // SAFETY: handle and position, as the operation wants them.
        if unsafe { call(SEEK, &[self.handle, 0]) } == 0 {
            Ok(())
        } else {
            Err(FileError)
        }
    }

    /// Appends `bytes`.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        let arguments = [self.handle, bytes.as_ptr() as usize, bytes.len()];
        // SAFETY: the buffer lives for the call and is as long as it says.
        if unsafe { call(WRITE, &arguments) } == 0 {
            Ok(())
        } else {
            Err(FileError)
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: one handle, as the operation wants it; it is not used again.
        unsafe { call(CLOSE, &[self.handle]) };
    }
}

/// The host's standard output.
#[derive(Debug)]
pub struct Console(File);

impl Console {
    /// Opens it.
    pub fn open() -> Result<Self, FileError> {
        File::open(c":tt", Mode::Write).map(Self)
    }

    /// Prints one record. A console that fails loses the line, and with it the run is unfinished.
    pub fn print(&mut self, record: Record<'_>) {
        let _ = writeln!(self, "{record}");
    }
}

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

/// Ends the program with an exit code.
pub fn exit(code: u32) -> ! {
    loop {
        // SAFETY: reason and code, as the operation wants them.
        unsafe { call(EXIT, &[APPLICATION_EXIT, code as usize]) };
    }
}

/// Prints `fail` with a reason and ends the program with exit code 1.
pub fn fail(reason: fmt::Arguments<'_>) -> ! {
    if let Ok(mut console) = Console::open() {
        let _ = writeln!(console, "fail {reason}");
    }
    exit(1)
}

/// One semihosting call.
///
/// # Safety
///
/// The arguments are what `operation` expects, pointers in them included.
#[cfg(target_arch = "arm")]
unsafe fn call(operation: usize, arguments: &[usize]) -> usize {
    let result;
    // SAFETY: the debugger handles this breakpoint and continues behind it, with the result in r0.
    unsafe {
        asm!("bkpt #0xAB", inlateout("r0") operation => result, in("r1") arguments.as_ptr());
    }
    result
}

/// One semihosting call.
///
/// # Safety
///
/// The arguments are what `operation` expects, pointers in them included.
#[cfg(target_arch = "riscv32")]
unsafe fn call(operation: usize, arguments: &[usize]) -> usize {
    let result;
    // SAFETY: the debugger recognises the three uncompressed instructions, aligned so that they
    // share a page, and continues behind them, with the result in a0.
    unsafe {
        asm!(".balign 16", ".option push", ".option norvc",
            "slli x0, x0, 0x1f", "ebreak", "srai x0, x0, 7", ".option pop",
            inlateout("a0") operation => result, in("a1") arguments.as_ptr());
    }
    result
}
