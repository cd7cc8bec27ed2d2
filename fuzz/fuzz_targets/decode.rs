//! Decoding any bytes never panics, and everything that is said of them lies within them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promproc::format::{self, Detected, Entries, Key, Used};

fuzz_target!(|file: &[u8]| {
    let Ok(Used::Bytes(used)) = format::used(file) else { return };
    let layout = match format::detect(file, used, true) {
        Ok(Detected::Layout(layout)) => layout,
        Ok(Detected::NeedMore(_)) => panic!("there is no more"),
        Err(error) => return assert!(error.offset() <= file.len() as u64),
    };
    let mut entries = Entries::new(&file[format::HEADER_BYTES..], format::HEADER_BYTES as u64, used, layout);
    let mut end = format::HEADER_BYTES as u64;
    for entry in entries.by_ref() {
        match entry {
            Ok(entry) => {
                assert_eq!(entry.offset, end);
                end = entry.value_offset() + layout.value_bytes() as u64;
                assert!(end <= used.min(file.len() as u64));
                let _ = Key::parse(entry.key());
            }
            Err(error) => {
                assert_eq!(error.offset(), end);
                break;
            }
        }
    }
    assert_eq!(entries.offset(), end);
});
