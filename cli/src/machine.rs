//! What this machine is: CPU, its vector instructions, how fast it is allowed to run, and CPU time.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// The value of a key of `/proc/cpuinfo`.
fn cpuinfo(key: &str) -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|l| l.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The name of the CPU.
#[must_use]
pub fn cpu() -> String {
    cpuinfo("model name")
        .or_else(|| cpuinfo("CPU part").map(|part| format!("Arm part {part}")))
        .unwrap_or_else(|| "unknown".into())
}

/// The instruction sets of the CPU that matter here.
#[must_use]
pub fn features() -> String {
    const KNOWN: [&str; 11] = [
        "sse4_1",
        "avx2",
        "fma",
        "avx_vnni",
        "avx512f",
        "avx512bw",
        "avx512_vnni",
        "amx_int8",
        "asimd",
        "asimddp",
        "i8mm",
    ];
    let flags = cpuinfo("flags").or_else(|| cpuinfo("Features"));
    let flags = flags.unwrap_or_default();
    let has = |name: &&str| flags.split_whitespace().any(|flag| flag == *name);
    KNOWN.into_iter().filter(has).collect::<Vec<_>>().join(" ")
}

/// Governor, clock and throttling, where the system tells.
#[must_use]
pub fn clock() -> BTreeMap<String, String> {
    const FOLDER: &str = "/sys/devices/system/cpu/cpu0/cpufreq";
    let mut facts = BTreeMap::new();
    for (name, file) in [
        ("governor", "scaling_governor"),
        ("clock kHz", "scaling_cur_freq"),
    ] {
        if let Ok(text) = fs::read_to_string(format!("{FOLDER}/{file}")) {
            facts.insert(name.to_owned(), text.trim().to_owned());
        }
    }
    // Raspberry Pi: under-voltage, capped frequency, throttling, now and since boot.
    if let Ok(output) = Command::new("vcgencmd").arg("get_throttled").output() {
        let text = String::from_utf8_lossy(&output.stdout);
        if let Some((_, bits)) = text.trim().split_once('=') {
            facts.insert("throttled".to_owned(), bits.to_owned());
        }
    }
    facts
}

/// CPU time of this thread in nanoseconds, where the system tells.
#[must_use]
pub fn thread_cpu_ns() -> Option<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
