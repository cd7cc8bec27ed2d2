//! Decoding what was encoded gives the same keys, values and timestamps, bit for bit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promproc::format::{self, Encoder, Entries, Layout, Used};

fuzz_target!(|input: (bool, Vec<(Vec<u8>, u64, u64)>)| {
    let (has_time, stored) = input;
    let layout = if has_time { Layout::ValueAndTime } else { Layout::Value };
    let mut encoder = Encoder::new(layout);
    for (key, value, timestamp) in &stored {
        let pushed = encoder.push(key, f64::from_bits(*value), f64::from_bits(*timestamp));
        assert_eq!(pushed, !key.is_empty());
    }
    let file = encoder.into_bytes();
    let used = match format::used(&file) {
        Ok(Used::Bytes(used)) => used,
        other => {
            assert_eq!(other, Ok(Used::Empty));
            format::HEADER_BYTES as u64
        }
    };
    assert_eq!(used, file.len() as u64);
    let mut entries = Entries::new(&file[format::HEADER_BYTES..], format::HEADER_BYTES as u64, used, layout);
    for (key, value, timestamp) in stored.iter().filter(|(key, ..)| !key.is_empty()) {
        let entry = entries.next().expect("an entry").expect("no damage");
        assert_eq!((entry.key(), entry.value.to_bits()), (&key[..], *value));
        assert_eq!(entry.timestamp.map(f64::to_bits), has_time.then_some(*timestamp));
    }
    assert!(entries.next().is_none());
});
