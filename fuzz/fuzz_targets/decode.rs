//! Decoding any bytes never panics, and everything that is said of them lies within them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promproc::format::{self, BucketKey, Detected, Entries, Key, Used};

fuzz_target!(|file: &[u8]| {
    if let Some(&header) = file.first_chunk() {
        let used = format::misplaced_used(header);
        assert!(used.is_none_or(|used| (8..1 << 31).contains(&used)));
    }
    let Ok(Used::Bytes(used)) = format::used(file) else { return };
    let layout = match format::detect(file, used, true) {
        Ok(Detected::Layout(layout)) => layout,
        Ok(Detected::NeedMore(_)) => panic!("there is no more"),
        Err(error) => return assert!(error.offset() <= file.len() as u64),
    };
    let mut entries = Entries::new(&file[format::HEADER_BYTES..], format::HEADER_BYTES as u64, used, layout);
    let mut end = format::HEADER_BYTES as u64;
    let mut last: Option<&[u8]> = None;
    for entry in entries.by_ref() {
        match entry {
            Ok(entry) => {
                assert_eq!(entry.offset, end);
                end = entry.value_offset() + layout.value_bytes() as u64;
                assert!(end <= used.min(file.len() as u64));
                if let Some(last) = last.replace(entry.key()) {
                    next_bucket(last, entry.key());
                }
            }
            Err(error) => {
                assert_eq!(error.offset(), end);
                break;
            }
        }
    }
    assert_eq!(entries.offset(), end);
});

/// A bound that is cut out of the key after a bucket's is the one that the parser finds.
fn next_bucket(last: &[u8], next: &[u8]) {
    let Ok(bucket) = Key::parse(last) else { return };
    if bucket.labels.get("le").is_none() {
        return;
    }
    if let Some(bound) = BucketKey::new(last).and_then(|bucket| bucket.bound_of(next)) {
        let next = Key::parse(next).expect("a key that differs in the bound only");
        assert_eq!(next.labels.get("le").and_then(format::parse_bound), Some(bound));
        assert_eq!((bucket.family, bucket.sample, bucket.help), (next.family, next.sample, next.help));
    }
}
