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
        .or_else(|| cpuinfo("CPU part").map(|part| core_name(&part)))
        .unwrap_or_else(|| "unknown".into())
}

/// What Arm calls the core with this number.
fn core_name(part: &str) -> String {
    const KNOWN: [(&str, &str); 7] = [
        ("0xd03", "A53"),
        ("0xd04", "A35"),
        ("0xd05", "A55"),
        ("0xd08", "A72"),
        ("0xd0b", "A76"),
        ("0xd0c", "Neoverse N1"),
        ("0xd41", "A78"),
    ];
    match KNOWN.iter().find(|(number, _)| *number == part) {
        Some((_, name)) if name.starts_with('A') => format!("Cortex-{name}"),
        Some((_, name)) => (*name).to_owned(),
        None => format!("Arm part {part}"),
    }
}

/// What the board is called, where a device tree says so.
fn board() -> Option<String> {
    let text = fs::read_to_string("/proc/device-tree/model").ok()?;
    let name = text.trim_end_matches('\0').trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// What the bits of the Raspberry Pi's firmware say.
fn throttling(bits: &str) -> String {
    const NOW: [(u32, &str); 4] = [
        (0, "under-voltage"),
        (1, "clock capped"),
        (2, "throttled"),
        (3, "soft temperature limit"),
    ];
    let Some(value) = bits
        .strip_prefix("0x")
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
    else {
        return bits.to_owned();
    };
    let mut said = Vec::new();
    for (bit, name) in NOW {
        if value >> bit & 1 != 0 {
            said.push(format!("{name} now"));
        } else if value >> (bit + 16) & 1 != 0 {
            said.push(format!("{name} since boot"));
        }
    }
    if said.is_empty() {
        "never".to_owned()
    } else {
        said.join(", ")
    }
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

/// Board, governor, clock, temperature and throttling, where the system tells.
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
            facts.insert("throttled".to_owned(), throttling(bits));
        }
    }
    let heat = fs::read_to_string("/sys/class/thermal/thermal_zone0/temp").ok();
    if let Some(degrees) = heat.and_then(|text| text.trim().parse::<i32>().ok()) {
        facts.insert("temperature".to_owned(), format!("{} C", degrees / 1000));
    }
    facts.extend(board().map(|name| ("board".to_owned(), name)));
    facts
}

/// CPU time of this thread in nanoseconds, where the system tells.
#[must_use]
pub fn thread_cpu_ns() -> Option<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_is_said_in_words() {
        assert_eq!(throttling("0x0"), "never");
        assert_eq!(throttling("0x50005"), "under-voltage now, throttled now");
        assert_eq!(throttling("0x20000"), "clock capped since boot");
        assert_eq!(throttling("?"), "?");
    }

    #[test]
    fn cores_have_the_names_that_arm_gives_them() {
        assert_eq!(core_name("0xd0b"), "Cortex-A76");
        assert_eq!(core_name("0x999"), "Arm part 0x999");
    }
}
