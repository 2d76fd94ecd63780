//! What the second-stage bootloader and flashing tools read about an application: `esp_app_desc_t` of ESP-IDF.

/// The first 256 bytes of constants in flash.
#[repr(C)]
pub(crate) struct Description {
    magic: u32,
    secure_version: u32,
    reserved: [u32; 2],
    version: [u8; 32],
    project: [u8; 32],
    time: [u8; 16],
    date: [u8; 16],
    idf_version: [u8; 32],
    elf_sha256: [u8; 32],
    efuse_revisions: [u16; 2],
    log2_page: u8,
    padding: [u8; 3],
    rest: [u32; 18],
}

const _: () = assert!(size_of::<Description>() == 256);

impl Description {
    /// This application's: any revision of the chip, pages of 64 KB.
    pub(crate) const NEW: Self = Self {
        magic: 0xABCD_5432,
        secure_version: 0,
        reserved: [0; 2],
        version: text(env!("CARGO_PKG_VERSION")),
        project: text(env!("CARGO_PKG_NAME")),
        time: [0; 16],
        date: [0; 16],
        idf_version: text("5.3.0"),
        elf_sha256: [0; 32],
        efuse_revisions: [0, u16::MAX],
        log2_page: 16,
        padding: [0; 3],
        rest: [0; 18],
    };
}

/// A text with zeros behind it.
const fn text(text: &str) -> [u8; 32] {
    let (from, mut bytes, mut at) = (text.as_bytes(), [0; 32], 0);
    while at < from.len() && at < bytes.len() - 1 {
        bytes[at] = from[at];
        at += 1;
    }
    bytes
}
