//! The emulator's plugin interface, version 1, and what hangs on it.
//!
//! QEMU's header is not needed: the interface is a handful of C functions, declared here. The emulator calls
//! [`qemu_plugin_install`] once, then [`translated`] for each block of code that it translates; that names the
//! functions to call when an instruction of the block runs or accesses memory. With `-icount` there is one
//! thread, so that the one [`State`] is never shared.
#![allow(unsafe_code, reason = "the interface is C")]

use crate::arguments::Arguments;
use crate::flash::Flash;
use crate::insn::Insn;
use crate::meter::{Meter, may_be_unaligned};
use crate::{riscv, thumb};
use ::core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use ::core::ptr;
use ::core::sync::atomic::{AtomicPtr, Ordering};
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;

/// A block of code in the emulator's hands.
#[repr(C)]
struct Block {
    _private: [u8; 0],
}

/// An instruction in the emulator's hands.
#[repr(C)]
struct Handle {
    _private: [u8; 0],
}

/// The beginning of what the emulator says of itself.
#[repr(C)]
struct Info {
    target_name: *const c_char,
}

type Id = u64;
/// No registers are read.
const NO_REGISTERS: c_int = 0;
/// Loads, or loads and stores.
const READS: c_int = 1;
const READS_AND_WRITES: c_int = 3;

unsafe extern "C" {
    fn qemu_plugin_tb_n_insns(block: *const Block) -> usize;
    fn qemu_plugin_tb_get_insn(block: *const Block, index: usize) -> *mut Handle;
    fn qemu_plugin_insn_data(insn: *const Handle) -> *const u8;
    fn qemu_plugin_insn_vaddr(insn: *const Handle) -> u64;
    fn qemu_plugin_mem_size_shift(info: u32) -> c_uint;
    fn qemu_plugin_mem_is_store(info: u32) -> bool;
    fn qemu_plugin_register_vcpu_tb_trans_cb(id: Id, call: extern "C" fn(Id, *mut Block));
    fn qemu_plugin_register_vcpu_insn_exec_cb(
        insn: *mut Handle,
        call: extern "C" fn(c_uint, *mut c_void),
        flags: c_int,
        data: *mut c_void,
    );
    fn qemu_plugin_register_vcpu_mem_cb(
        insn: *mut Handle,
        call: extern "C" fn(c_uint, u32, u64, *mut c_void),
        flags: c_int,
        accesses: c_int,
        data: *mut c_void,
    );
}

/// Version of the interface that the emulator looks for.
#[unsafe(no_mangle)]
pub(crate) static qemu_plugin_version: c_int = 1;

/// Everything the plugin knows.
struct State {
    is_riscv: bool,
    meter: Meter,
    out: File,
    /// Decoded instructions by address. They live as long as the emulator, which holds pointers to them.
    insns: HashMap<u32, &'static Insn>,
}

static STATE: AtomicPtr<State> = AtomicPtr::new(ptr::null_mut());

/// Runs `work` on the state.
fn with_state(work: impl FnOnce(&mut State)) {
    let state = STATE.load(Ordering::Relaxed);
    // SAFETY: null or the box that `install` leaked; the emulator has one thread, and no callback calls another.
    if let Some(state) = unsafe { state.as_mut() } {
        work(state);
    }
}

/// Called by the emulator once, with its arguments; anything but 0 ends it.
///
/// # Safety
///
/// As the interface has it: `info` and the `argc` texts of `argv` live during the call.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn qemu_plugin_install(
    id: Id,
    info: *const c_void,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    // SAFETY: the caller's contract.
    let target = unsafe { ptr::read(info.cast::<Info>()) }.target_name;
    // SAFETY: a text of the emulator's.
    let target = unsafe { CStr::from_ptr(target) };
    let texts = (0..usize::try_from(argc).unwrap_or(0)).map(|index| {
        // SAFETY: `argv` holds `argc` pointers.
        let text = unsafe { argv.add(index) };
        // SAFETY: as above.
        let text = unsafe { text.read() };
        // SAFETY: each is a text that lives during the call.
        unsafe { CStr::from_ptr(text) }.to_str().unwrap_or_default()
    });
    let is_riscv = target.to_bytes().starts_with(b"riscv");
    match install(is_riscv, Arguments::parse(texts)) {
        Ok(()) => {
            // SAFETY: `id` is ours, and the function stays.
            unsafe { qemu_plugin_register_vcpu_tb_trans_cb(id, translated) };
            0
        }
        Err(reason) => {
            eprintln!("{reason}");
            1
        }
    }
}

fn install(is_riscv: bool, arguments: Result<Arguments, String>) -> Result<(), String> {
    let arguments = arguments?;
    let out = File::create(&arguments.out)
        .map_err(|e| format!("nnz-cycles: writing {}: {e}", arguments.out.display()))?;
    let state = Box::new(State {
        is_riscv,
        meter: Meter::new(arguments.core, arguments.flash.map(Flash::new)),
        out,
        insns: HashMap::new(),
    });
    STATE.store(Box::leak(state), Ordering::Relaxed);
    Ok(())
}

/// A block was translated: hooks each of its instructions.
extern "C" fn translated(_: Id, block: *mut Block) {
    with_state(|state| {
        // SAFETY: the block lives during the call.
        let count = unsafe { qemu_plugin_tb_n_insns(block) };
        for index in 0..count {
            // SAFETY: the block has an instruction of this index.
            let handle = unsafe { qemu_plugin_tb_get_insn(block, index) };
            // SAFETY: a handle of this block.
            unsafe { hook(state, handle) };
        }
    });
}

/// Names the functions to call when an instruction runs.
///
/// # Safety
///
/// `handle` belongs to the block that is being translated.
unsafe fn hook(state: &mut State, handle: *mut Handle) {
    // SAFETY: the caller's contract.
    let insn = unsafe { decoded(state, handle) };
    let data = ptr::from_ref(insn).cast_mut().cast::<c_void>();
    let call = if insn.is_marker { marked } else { executed };
    // SAFETY: the caller's contract; `data` lives as long as the emulator.
    unsafe { qemu_plugin_register_vcpu_insn_exec_cb(handle, call, NO_REGISTERS, data) };
    let aligns = state.meter.has_core() && may_be_unaligned(insn);
    let fetches = state.meter.has_flash() && insn.class.is_memory();
    if !(aligns || fetches) {
        return;
    }
    let accesses = if aligns { READS_AND_WRITES } else { READS };
    // SAFETY: as above.
    unsafe {
        qemu_plugin_register_vcpu_mem_cb(handle, accessed, NO_REGISTERS, accesses, ptr::null_mut());
    };
}

type Decode = fn(u32, u16, Option<u16>) -> Insn;

/// The instruction behind a handle. Its length is read off its bytes: where the emulator looked ahead it gives
/// more bytes than the instruction has.
///
/// # Safety
///
/// `handle` belongs to the block that is being translated.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the emulated machines have 32-bit addresses"
)]
unsafe fn decoded(state: &mut State, handle: *const Handle) -> &'static Insn {
    // SAFETY: the caller's contract, here and in the next.
    let address = unsafe { qemu_plugin_insn_vaddr(handle) } as u32;
    // SAFETY: as above.
    let bytes = unsafe { qemu_plugin_insn_data(handle) };
    // SAFETY: an instruction has at least two bytes.
    let first = u16::from_le_bytes(unsafe { bytes.cast::<[u8; 2]>().read() });
    let (is_wide, decode) = match state.is_riscv {
        true => (riscv::is_wide(first), riscv::decode as Decode),
        false => (thumb::is_wide(first), thumb::decode as Decode),
    };
    let second = is_wide.then(|| {
        // SAFETY: the first two say that there are two more.
        let rest = unsafe { bytes.add(2) };
        // SAFETY: as above.
        unsafe { rest.cast::<[u8; 2]>().read() }
    });
    let insn = decode(address, first, second.map(u16::from_le_bytes));
    match state.insns.get(&address) {
        Some(known) if **known == insn => known,
        _ => {
            let insn: &'static Insn = Box::leak(Box::new(insn));
            state.insns.insert(address, insn);
            insn
        }
    }
}

/// An instruction runs.
extern "C" fn executed(_: c_uint, data: *mut c_void) {
    // SAFETY: `hook` passed an instruction that is never freed.
    let insn = unsafe { &*data.cast::<Insn>() };
    with_state(|state| state.meter.execute(insn));
}

/// A marker runs: it counts as any instruction, then the totals are written.
extern "C" fn marked(cpu: c_uint, data: *mut c_void) {
    executed(cpu, data);
    with_state(|state| {
        // A line that is lost is missed by the reader, who knows how many there must be.
        let _ = writeln!(state.out, "{}", state.meter.totals());
    });
}

/// An instruction accesses memory.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the emulated machines have 32-bit addresses"
)]
extern "C" fn accessed(_: c_uint, info: u32, address: u64, _: *mut c_void) {
    // SAFETY: the emulator's own word.
    let shift = unsafe { qemu_plugin_mem_size_shift(info) };
    // SAFETY: as above.
    let is_store = unsafe { qemu_plugin_mem_is_store(info) };
    with_state(|state| state.meter.access(address as u32, shift, is_store));
}
