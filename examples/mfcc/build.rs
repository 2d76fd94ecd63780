//! Computes the front end's tables in double precision, so that the device only reads them, and tells whether the core
//! has the DSP extension, which stable compilers do not show as a target feature.

use core::f64::consts::{LN_2, PI};
use core::fmt::{Display, Write as _};
use std::path::PathBuf;
use std::{env, fs, io};

const RATE: f64 = 16000.0;
const FRAME: usize = 480;
const POINTS: usize = 512;
const BANDS: usize = 40;
const COEFFICIENTS: usize = 10;
/// Edges of the first and the last mel band, Hz.
const LOWEST: f64 = 20.0;
const HIGHEST: f64 = 4000.0;

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(isa, values(\"dsp\"))");
    let target = env::var("TARGET").unwrap_or_default();
    if target.starts_with("thumbv7em") || target.starts_with("thumbv8m.main") {
        println!("cargo:rustc-cfg=isa=\"dsp\"");
    }
    let mut text = String::new();
    array(&mut text, "WINDOW", "Pair", &window())?;
    array(&mut text, "ORDER", "u8", &order())?;
    array(&mut text, "TURNS", "Pair", &turns())?;
    array(&mut text, "SPLIT", "Pair", &split())?;
    array(&mut text, "ROOTS", "u16", &roots())?;
    array(&mut text, "LOGS", "u32", &logs())?;
    let (counts, rising) = bands();
    array(&mut text, "COUNTS", "u8", &counts)?;
    array(&mut text, "RISING", "u32", &rising)?;
    array(&mut text, "COSINES", "[i16; 20]", &cosines())?;
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("tables.in"), text)
}

/// Writes one static.
fn array(text: &mut String, name: &str, kind: &str, values: &[impl Display]) -> io::Result<()> {
    write!(
        text,
        "pub(crate) static {name}: [{kind}; {}] = [",
        values.len()
    )
    .map_err(io::Error::other)?;
    for value in values {
        write!(text, "{value},").map_err(io::Error::other)?;
    }
    writeln!(text, "];").map_err(io::Error::other)
}

/// The periodic Hann window, times 2^15, for two samples at a time.
fn window() -> Vec<String> {
    let at = |n: usize| 0.5 - 0.5 * (2.0 * PI * n as f64 / FRAME as f64).cos();
    let value = |n| fixed(at(n), 15, 32767.0);
    (0..FRAME)
        .step_by(2)
        .map(|n| format!("Pair::new({}, {})", value(n), value(n + 1)))
        .collect()
}

/// First points of the 64 blocks of four: 0 to 63 with their base-4 digits reversed.
fn order() -> Vec<String> {
    (0..64)
        .map(|j| format!("{}", (j & 3) << 4 | (j & 12) | j >> 4))
        .collect()
}

/// `exp(-2πi·k/256)` for the second, third and fourth leg of every butterfly, in the order in which the stages read
/// them: stages of 4, 16 and 64 butterflies.
fn turns() -> Vec<String> {
    let leg = |stride: usize, j: usize| {
        (1..4).map(move |leg| turn((leg * j) as f64 / (4 * stride) as f64, 15))
    };
    [4, 16, 64]
        .into_iter()
        .flat_map(|stride| (0..stride).flat_map(move |j| leg(stride, j)))
        .collect()
}

/// `exp(-2πi·k/512)` for the bins below 4 kHz.
fn split() -> Vec<String> {
    (0..POINTS / 4)
        .map(|k| turn(k as f64 / POINTS as f64, 14))
        .collect()
}

/// `exp(-2πi·part)` times `2^bits`.
fn turn(part: f64, bits: i32) -> String {
    let (sin, cos) = (-2.0 * PI * part).sin_cos();
    let most = f64::from(i16::MAX);
    format!(
        "Pair::new({}, {})",
        fixed(cos, bits, most),
        fixed(sin, bits, most)
    )
}

/// Square roots of the middles of `[i, i + 1)` times 2^23: roots of sums of squares from their top byte.
fn roots() -> Vec<String> {
    let middle = |i: u8| (f64::from(i) + 0.5) * 23f64.exp2();
    (0..=255)
        .map(|i| fixed(middle(i).sqrt(), 0, 65535.0))
        .collect()
}

/// `log2(1 + i/64)` times 2^16.
fn logs() -> Vec<String> {
    (0..=64)
        .map(|i| fixed((1.0 + f64::from(i) / 64.0).log2(), 16, 65536.0))
        .collect()
}

/// HTK's mel scale.
fn mel(hertz: f64) -> f64 {
    1127.0 * (hertz / 700.0).ln_1p()
}

/// For every interval between two edges how many bins it has, and for every bin its height on the rising side,
/// times 2^32; the band before has the rest.
fn bands() -> (Vec<String>, Vec<String>) {
    let step = (mel(HIGHEST) - mel(LOWEST)) / (BANDS + 1) as f64;
    let place = |bin: usize| (mel(bin as f64 * RATE / POINTS as f64) - mel(LOWEST)) / step;
    let before = |edge: usize| {
        let bins = (1..POINTS / 4).filter(|&bin| place(bin) < edge as f64);
        bins.count()
    };
    let counts = (0..=BANDS)
        .map(|edge| (before(edge + 1) - before(edge)).to_string())
        .collect();
    let rising = (0..POINTS / 4)
        .map(|bin| if bin == 0 { 0.0 } else { place(bin).fract() })
        .map(|height| fixed(height, 32, 4_294_967_295.0))
        .collect();
    (counts, rising)
}

/// Half rows of the DCT-II, `2·sqrt(1/80)·cos(π·k·(2n+1)/80)`, times ln 2, times 2^17.
fn cosines() -> Vec<String> {
    let at = |k: usize, n: usize| {
        let angle = PI * (k * (2 * n + 1)) as f64 / (2 * BANDS) as f64;
        2.0 * (1.0 / (2 * BANDS) as f64).sqrt() * angle.cos() * LN_2
    };
    let row = |k| (0..BANDS / 2).map(move |n| fixed(at(k, n), 17, 32767.0));
    (0..COEFFICIENTS)
        .map(|k| format!("[{}]", row(k).collect::<Vec<_>>().join(",")))
        .collect()
}

/// `value` times `2^bits`, rounded, at most `most`.
fn fixed(value: f64, bits: i32, most: f64) -> String {
    format!("{:.0}", (value * f64::from(bits).exp2()).round().min(most))
}
