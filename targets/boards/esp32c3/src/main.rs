//! An ESP32-C3 that runs the network which the build was given, and says on UART0 (GPIO 21, 115,200 baud) what it took.
//!
//! Cycles come from the counter of the core (`mpccr`), which counts at 160 MHz.

#![no_std]
#![no_main]

mod description;

use core::arch::asm;
use core::panic::PanicInfo;
use description::Description;
use esp_hal::clock::CpuClock;
use esp_hal::uart::{self, Uart};
use esp_hal::{Blocking, main};
use nnz::Model;
use nnz_board::{Board, Console};
use nnz_support::clock::{Clock, Rate, Ticks};
use nnz_support::memory::Buffer;

#[unsafe(export_name = "esp_app_desc")]
#[unsafe(link_section = ".flash.appdesc")]
#[used]
static DESCRIPTION: Description = Description::NEW;

const MODEL: &Model<'static> = nnz::include_model!(env!("NNZ_EMBEDDED"));
static ARENA: Buffer<{ MODEL.arena_len() }> = Buffer::new();

/// Reports once, then waits.
#[main]
fn main() -> ! {
    let config = esp_hal::Config::default().with_cpu_clock(CpuClock::max());
    let peripherals = esp_hal::init(config);
    if let (Ok(port), Some(arena)) = (
        Uart::new(peripherals.UART0, uart::Config::default()),
        ARENA.take(),
    ) {
        let mut board = Board {
            clock: Clock::start(Cycles::start(), Rate::UNIT),
            console: Port(port.with_tx(peripherals.GPIO21)),
            stack_end: stack_end(),
        };
        board.report::<{ MODEL.kernel_mask() }>(MODEL, arena);
    }
    stop()
}

/// The serial port.
struct Port(Uart<'static, Blocking>);

impl Console for Port {
    fn send(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let sent = self.0.write(rest).unwrap_or(rest.len());
            rest = rest.get(sent..).unwrap_or_default();
        }
        // A report that is not seen is no reason to stop.
        let _ = self.0.flush();
    }
}

/// The core's counter of cycles.
struct Cycles(());

impl Cycles {
    fn start() -> Self {
        // SAFETY: `mpcer` chooses cycles, `mpcmr` lets them count, `mpccr` begins at 0; nothing else uses them.
        unsafe {
            asm!(
                "csrwi 0x7E0, 1",
                "csrwi 0x7E1, 1",
                "csrwi 0x7E2, 0",
                options(nomem, nostack)
            );
        };
        Self(())
    }
}

impl Ticks for Cycles {
    fn now(&mut self) -> u32 {
        let count: u32;
        // SAFETY: reads a counter.
        unsafe { asm!("csrr {}, 0x7E2", out(reg) count, options(nomem, nostack)) };
        count
    }
}

/// Lowest address of the stack.
fn stack_end() -> usize {
    unsafe extern "C" {
        static _stack_end: u32;
    }
    (&raw const _stack_end) as usize
}

fn stop() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    stop()
}
