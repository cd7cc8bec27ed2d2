//! The result does not depend on how a file is cut into reads.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promproc::format::{self, Detected, Entries, FormatError, Layout, Used};

type Stored = (u64, Vec<u8>, u64, Option<u64>);

fuzz_target!(|input: (Vec<u16>, Vec<u8>)| {
    let (cuts, file) = input;
    let Ok(Used::Bytes(used)) = format::used(&file) else { return };
    let whole = format::detect(&file, used, true);
    assert_eq!(detect_in_pieces(&file, used, &cuts), whole);
    if let Ok(Detected::Layout(layout)) = whole {
        assert_eq!(walk(&file, used, layout, &cuts), walk(&file, used, layout, &[]));
    }
});

/// Detects the layout with no more of the file than is asked for, and a little.
fn detect_in_pieces(file: &[u8], used: u64, cuts: &[u16]) -> Result<Detected, FormatError> {
    let mut have = format::HEADER_BYTES.min(file.len());
    for more in cuts.iter().map(|cut| usize::from(*cut)).chain(std::iter::repeat(0)) {
        let is_whole = have == file.len();
        match format::detect(&file[..have], used, is_whole)? {
            Detected::NeedMore(need) => {
                assert!(!is_whole && need > have);
                have = need.saturating_add(more).min(file.len());
            }
            layout => return Ok(layout),
        }
    }
    unreachable!("the cuts do not end")
}

/// Walks the entries in pieces of these sizes, and the rest in one.
fn walk(file: &[u8], used: u64, layout: Layout, cuts: &[u16]) -> (Vec<Stored>, Option<FormatError>, u64) {
    let (mut at, mut have) = (format::HEADER_BYTES, format::HEADER_BYTES);
    let mut cuts = cuts.iter().map(|cut| usize::from(*cut));
    let mut stored = Vec::new();
    loop {
        have = cuts.next().map_or(file.len(), |cut| have.saturating_add(cut).min(file.len()));
        let mut entries = Entries::new(&file[at..have], at as u64, used, layout);
        let mut damage = None;
        for entry in entries.by_ref() {
            match entry {
                Ok(entry) => stored.push((
                    entry.offset,
                    entry.key().to_vec(),
                    entry.value.to_bits(),
                    entry.timestamp.map(f64::to_bits),
                )),
                Err(error) => {
                    damage = Some(error);
                    break;
                }
            }
        }
        at = usize::try_from(entries.offset()).expect("an offset in a buffer");
        if damage.is_some() || entries.missing() == 0 || have == file.len() {
            return (stored, damage, entries.offset());
        }
        assert!(entries.missing() > have - at, "what is missing is not there yet");
    }
}
