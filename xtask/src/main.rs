//! The project's chores: everything that CI does is one of these, and a person can run it.
//!
//! ```text
//! setup      toolchain.rs, setup.rs   compilers and emulators that the machine lacks
//! check      check.rs                 format, lints, documentation, sizes of files and functions
//! firmware   firmware.rs, plugin.rs   target/firmware/NAME.elf for every target, and the cycle model
//!            boards.rs                target/boards/NAME.elf, one network on a board
//! test       test.rs                  everything that can be tested here, and what was skipped
//! rtl        rtl/                     simulators of real RISC-V cores
//! qemu       qemu.rs                  one model on the emulated machines
//! embassy    embassy.rs               examples/embassy on the emulated machine
//! c-library  c_library.rs             the C interface for microcontrollers
//! c-project  c_project.rs             examples/c, built by a plain C compiler and emulated
//! dist       dist.rs                  archives for Zephyr, ESP-IDF and Arduino
//! keyword    keyword.rs               examples/keyword-spotting on this and the emulated machine
//! pi, mca    pi/                      a static program for 64-bit Arm, its tests, cycles of its loops
//! wheel      wheel.rs                 the Python module, built, installed and tested
//! size       size.rs, symbols.rs      code bytes of one model's own image
//!            sizes.rs                 everything that networks need on every target, benches/record/size.csv
//! stack      stack/                   the most stack that calls take, from an image's instructions
//! compare    compare/                 Cortex-M against TensorFlow Lite Micro, record and README
//! accuracy   accuracy/                what pruning costs, benches/record/accuracy.csv
//! large      large/                   networks at 224x224 from real exporters, pruned, quantised and run
//! fuzz       fuzz/                    readers of bytes from strangers, under AddressSanitizer, benches/record/fuzz.csv
//! bench      bench.rs                 benches/record/TARGET/DATE.csv
//! ```

mod accuracy;
mod bench;
mod boards;
mod c_library;
mod c_project;
mod check;
mod command;
mod compare;
mod dist;
mod embassy;
mod example;
mod firmware;
mod fuzz;
mod keyword;
mod large;
mod pi;
mod plugin;
mod qemu;
mod rtl;
mod setup;
mod size;
mod sizes;
mod stack;
mod summary;
mod symbols;
mod test;
mod toolchain;
mod wheel;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Chores of the nnz workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Install what firmware builds and emulation need; quick where nothing is missing.
    Setup,
    /// Format, lints, documentation and sizes; says what was skipped.
    Check,
    /// Set up what the machine allows and run every test that it can.
    Test {
        /// Leave out firmware builds and emulation.
        #[arg(long)]
        host_only: bool,
    },
    /// Build the images that run any model into target/firmware, or one network for a board into target/boards.
    Firmware {
        /// Targets; all that are emulated where none is named.
        targets: Vec<String>,
        /// The board, a package of targets/boards.
        #[arg(long, conflicts_with = "targets")]
        board: Option<String>,
        /// The board's network, lowered for it; the keyword network of this repository where not given.
        #[arg(long, requires = "board")]
        model: Option<PathBuf>,
        /// Only compile the board's package; nothing is linked.
        #[arg(long, requires = "board")]
        check: bool,
    },
    /// Install Verilator and build simulators of real RISC-V cores, each once.
    Rtl {
        /// Targets; all that are simulated where none is named.
        targets: Vec<String>,
        /// Then run networks on them and record benches/record/riscv/DATE.csv: the two small ones on simulated cores,
        /// all on the emulator; minutes. Needs ../shared.
        #[arg(long)]
        table: bool,
        /// With the large networks on simulated cores too; an hour and more.
        #[arg(long, requires = "table")]
        all: bool,
        /// Instead: four networks at 10, 30, 50 and 80 % on rv32, two of them on ibex-max, beside their files of
        /// `--weights dense`.
        #[arg(long, conflicts_with = "table")]
        beside_dense: bool,
    },
    /// Run one model on emulated machines and print what it cost.
    Qemu {
        /// The model.
        model: PathBuf,
        /// Targets; all where none is named.
        #[arg(long)]
        on: Vec<String>,
        /// Rows of raw input bytes; zeros where there is none.
        #[arg(long)]
        input: Option<PathBuf>,
    },
    /// Build examples/embassy for one model, run it emulated and check that no other task waits for long.
    Embassy {
        /// The model, of one s8 input and output, lowered for cortex-m4.
        model: PathBuf,
    },
    /// Build the C interface as `target/c/TARGET/libnnz_c.a`.
    CLibrary {
        /// Targets; all where none is named.
        targets: Vec<String>,
        /// Leave out every kernel that this network does not need.
        #[arg(long)]
        model: Option<PathBuf>,
    },
    /// Build examples/c with arm-none-eabi-gcc, run it emulated and compare it with the same program here.
    CProject {
        /// The model, lowered for cortex-m4; the keyword network of this repository where not given.
        model: Option<PathBuf>,
    },
    /// Build the C library for every core and pack it for Zephyr, ESP-IDF and Arduino into target/dist.
    Dist,
    /// Build a static `nnz` for 64-bit Arm, such as a Raspberry Pi, and test it on emulated cores.
    ///
    /// target/pi/nnz runs on every 64-bit Linux of Arm. Networks and the runtime's suites run under qemu-aarch64 as
    /// Cortex-A76 (with dot products) and Cortex-A72 (without).
    Pi {
        /// Only build.
        #[arg(long)]
        no_tests: bool,
        /// Only the quick suites, without the program.
        #[arg(long, conflicts_with = "no_tests")]
        quick: bool,
    },
    /// Predict with llvm-mca what the inner loops of the vector kernels take on Cortex-A76 and Cortex-A72.
    Mca,
    /// Build the Python module as a wheel, install it into an environment of its own and test it.
    Wheel {
        /// Python, 3.10 or later.
        #[arg(long, default_value = "python3")]
        python: std::ffi::OsString,
    },
    /// Build examples/keyword-spotting, let it hear a clip here and emulated, and count what its features take.
    Keyword {
        /// The model, lowered for cortex-m4; the keyword network of this repository where not given.
        model: Option<PathBuf>,
        /// A WAV file of 16 kHz, mono, 16 bits; the example's own where not given.
        #[arg(long)]
        clip: Option<PathBuf>,
    },
    /// Build an image with one model's operators only and measure its code; without a model, measure code, constants,
    /// arena and stack of four networks on every emulated target and compare them with benches/record/size.csv (needs
    /// ../shared).
    Size {
        /// The model.
        model: Option<PathBuf>,
        /// The target.
        #[arg(long, default_value = "cortex-m4")]
        target: String,
        /// Fail where the code is larger than this many bytes.
        #[arg(long)]
        limit: Option<u64>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        /// Print the largest functions.
        #[arg(long, default_value_t = 12)]
        symbols: usize,
        /// Without a model: only targets whose name contains this text.
        #[arg(long, conflicts_with = "model")]
        only: Option<String>,
        /// Without a model: what was measured takes the place of the record's rows.
        #[arg(long, conflicts_with = "model")]
        renew: bool,
    },
    /// The most stack that a function of an image can take through its calls, and the deepest chain.
    Stack {
        /// The image.
        image: PathBuf,
        /// Part of the function's name.
        #[arg(long, default_value = "any::timed")]
        root: String,
    },
    /// Measure what pruning costs in accuracy and record it; needs ../shared.
    Accuracy {
        /// Run only rows whose network or options contain this text, and record nothing.
        #[arg(long)]
        only: Option<String>,
    },
    /// Export whole networks at 224x224, prune and quantise them with 100 images, and run them here.
    ///
    /// Makes `MobileNetV1` (Keras), `MobileNetV2` and `ResNet-18` (torchvision, both exporters) with random weights in
    /// target/large, once, and compares them with ONNX Runtime or `LiteRT`.
    Large {
        /// Python that has torch, torchvision, tensorflow and onnxruntime; `NNZ_PYTHON`, or python3, where not given.
        #[arg(long)]
        python: Option<std::ffi::OsString>,
        /// Only networks whose name contains this text.
        #[arg(long)]
        only: Option<String>,
        /// Share of zeros.
        #[arg(long, default_value = "0.5")]
        sparsity: String,
    },
    /// Measure Cortex-M against TensorFlow Lite Micro, renew record and README; needs ../shared.
    Compare {
        /// Run only rows whose target, network or options contain this text, and record nothing.
        #[arg(long)]
        only: Option<String>,
        /// The program `nnz`, where it is built already.
        #[arg(long)]
        nnz: Option<PathBuf>,
        /// Instead: four networks at 0, 30, 50 and 80 % on M4, M3 and M0+ beside their files of `--weights dense`.
        #[arg(long, conflicts_with = "only")]
        beside_dense: bool,
    },
    /// Fuzz the readers of bytes from strangers under `AddressSanitizer`; a finding fails.
    Fuzz {
        /// Targets (parse, run, wire, onnx, tflite, data); all where none is named.
        targets: Vec<String>,
        /// Seconds for each target.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Executions after which a target is done earlier.
        #[arg(long)]
        runs: Option<u64>,
        /// Add a row a target to benches/record/fuzz.csv.
        #[arg(long)]
        record: bool,
        /// Keep the smallest inputs of what was learnt in fuzz/corpus.
        #[arg(long)]
        keep: bool,
    },
    /// Measure models on every emulated machine and record the figures.
    Bench {
        /// The models.
        #[arg(required = true)]
        models: Vec<PathBuf>,
        /// Date of the record; today where not given.
        #[arg(long)]
        date: Option<String>,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Setup => setup::run(),
        Chore::Check => check::run(),
        Chore::Test { host_only } => test::run(host_only),
        Chore::Firmware {
            targets,
            board: None,
            ..
        } => firmware::run(&targets),
        Chore::Firmware {
            board: Some(board),
            model,
            check,
            ..
        } => {
            let step = if check {
                boards::Step::Check
            } else {
                boards::Step::Build
            };
            boards::run(&board, model.as_deref(), step)
        }
        Chore::Rtl {
            targets,
            table,
            all,
            beside_dense,
        } => {
            let networks = match (table, all) {
                (false, _) if beside_dense => rtl::Networks::BesideDense,
                (false, _) => rtl::Networks::None,
                (true, false) => rtl::Networks::Small,
                (true, true) => rtl::Networks::All,
            };
            rtl::run(&targets, networks)
        }
        Chore::Qemu { model, on, input } => qemu::run(&model, &on, input.as_deref()),
        Chore::Embassy { model } => embassy::run(&model),
        Chore::CLibrary { targets, model } => c_library::run(&targets, model.as_deref()),
        Chore::Dist => dist::run(),
        Chore::CProject { model } => c_project::run(model.as_deref()),
        Chore::Pi { no_tests, quick } => pi::run(match (no_tests, quick) {
            (true, _) => pi::Tests::None,
            (_, true) => pi::Tests::Quick,
            (false, false) => pi::Tests::All,
        }),
        Chore::Mca => pi::mca(),
        Chore::Wheel { python } => wheel::run(&python),
        Chore::Keyword { model, clip } => keyword::run(model.as_deref(), clip.as_deref()),
        Chore::Size {
            model,
            target,
            limit,
            json,
            symbols,
            only,
            renew,
        } => {
            let options = size::Options {
                limit,
                json,
                symbols,
            };
            let matrix = (only.as_deref(), renew);
            size::chore(model.as_deref(), (&target, &options), matrix)
        }
        Chore::Stack { image, root } => stack::run(&image, &root),
        Chore::Accuracy { only } => accuracy::run(only.as_deref()),
        Chore::Large {
            python,
            only,
            sparsity,
        } => large::run(python, only.as_deref(), &sparsity),
        Chore::Compare {
            nnz,
            beside_dense: true,
            ..
        } => compare::beside_dense(nnz),
        Chore::Compare { only, nnz, .. } => compare::run(only.as_deref(), nnz),
        Chore::Fuzz {
            targets,
            seconds,
            runs,
            record,
            keep,
        } => fuzz::run(&fuzz::Options {
            targets,
            seconds,
            runs,
            record,
            keep,
        }),
        Chore::Bench { models, date } => bench::run(&models, date),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
