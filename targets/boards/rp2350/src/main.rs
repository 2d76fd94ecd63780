//! A RISC-V core of RP2350 (Hazard3) that runs the network which the build was given, and says on UART0 (GPIO 0, 115,200
//! baud) what it took.
//!
//! Cycles come from `mcycle`, which counts at 150 MHz.

#![no_std]
#![no_main]

use core::arch::asm;
use core::panic::PanicInfo;
use nnz::Model;
use nnz_board::{Board, Console};
use nnz_support::clock::{Clock as CycleClock, Rate, Ticks};
use nnz_support::memory::Buffer;
use rp235x_hal::block::ImageDef;
use rp235x_hal::clocks::{Clock, ClocksManager, init_clocks_and_plls};
use rp235x_hal::fugit::RateExtU32;
use rp235x_hal::gpio::bank0::{Gpio0, Gpio1};
use rp235x_hal::gpio::{FunctionUart, Pin, Pins, PullDown};
use rp235x_hal::pac::{Peripherals, UART0};
use rp235x_hal::uart::{DataBits, Enabled, StopBits, UartConfig, UartPeripheral};
use rp235x_hal::{Sio, Watchdog, entry};

/// Hertz of the crystal.
const CRYSTAL: u32 = 12_000_000;

/// What the boot ROM looks for in the first 4 KB of flash. Start-up code lies first, as that is where it begins.
#[unsafe(link_section = ".init.rust")]
#[used]
static IMAGE: ImageDef = ImageDef::secure_exe();

const MODEL: &Model<'static> = nnz::include_model!(env!("NNZ_EMBEDDED"));
static ARENA: Buffer<{ MODEL.arena_len() }> = Buffer::new();

/// Reports once, then waits.
#[entry]
fn main() -> ! {
    if let (Some(console), Some(arena)) = (Peripherals::take().and_then(port), ARENA.take()) {
        let mut board = Board {
            clock: CycleClock::start(Cycles::start(), Rate::UNIT),
            console,
            stack_end: stack_end(),
        };
        board.report::<{ MODEL.kernel_mask() }>(MODEL, arena);
    }
    stop()
}

/// Starts the clocks and the serial port.
fn port(mut chip: Peripherals) -> Option<Port> {
    let mut watchdog = Watchdog::new(chip.WATCHDOG);
    let clocks: ClocksManager = init_clocks_and_plls(
        CRYSTAL,
        chip.XOSC,
        chip.CLOCKS,
        chip.PLL_SYS,
        chip.PLL_USB,
        &mut chip.RESETS,
        &mut watchdog,
    )
    .ok()?;
    let sio = Sio::new(chip.SIO);
    let pins = Pins::new(
        chip.IO_BANK0,
        chip.PADS_BANK0,
        sio.gpio_bank0,
        &mut chip.RESETS,
    );
    let wires = (pins.gpio0.into_function(), pins.gpio1.into_function());
    let config = UartConfig::new(115_200.Hz(), DataBits::Eight, None, StopBits::One);
    let port = UartPeripheral::new(chip.UART0, wires, &mut chip.RESETS);
    let port = port.enable(config, clocks.peripheral_clock.freq()).ok()?;
    Some(Port(port))
}

/// A pin of the serial port.
type Wire<P> = Pin<P, FunctionUart, PullDown>;

/// The serial port.
struct Port(UartPeripheral<Enabled, UART0, (Wire<Gpio0>, Wire<Gpio1>)>);

impl Console for Port {
    fn send(&mut self, bytes: &[u8]) {
        self.0.write_full_blocking(bytes);
    }
}

/// The core's counter of cycles.
struct Cycles(());

impl Cycles {
    fn start() -> Self {
        // SAFETY: lets the counters run, which the chip stops at reset, and sets one to zero; nothing else uses them.
        unsafe {
            asm!(
                "csrw mcountinhibit, zero",
                "csrw mcycle, zero",
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
        unsafe { asm!("csrr {}, mcycle", out(reg) count, options(nomem, nostack)) };
        count
    }
}

/// Lowest address of the stack: the end of static variables.
fn stack_end() -> usize {
    unsafe extern "C" {
        static _sheap: u32;
    }
    (&raw const _sheap) as usize
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
