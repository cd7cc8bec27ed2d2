//! Properties of the file format that hold for all files: through the library, since each case is
//! hundreds of files.

use std::fs;

use promproc::directory::scan_all;
use promproc::format::{self, Detected, Encoder, Entries, FormatError, HEADER_BYTES, Layout, Used};
use promproc::merge::{Options, merge_paths};
use promproc::reader::{ReadError, read_files};
use promproc::select::Selector;
use proptest::prelude::*;
use tempfile::TempDir;

/// An entry by its bits, so that NaN equals itself: key, value, timestamp.
type Bits = (Vec<u8>, u64, Option<u64>);

fn layouts() -> impl Strategy<Value = Layout> {
    prop_oneof![Just(Layout::Value), Just(Layout::ValueAndTime)]
}

/// A key of a shape that goes with the layout, as `json.dumps` writes it.
fn json_key(layout: Layout) -> impl Strategy<Value = Vec<u8>> {
    ("[a-z_]{1,12}", "\\PC{0,40}", "\\PC{0,80}", 0..3_u8).prop_map(move |(name, label, help, shape)| {
        let [label, help] = [label, help].map(|text| serde_json::Value::from(text).to_string());
        let rest = match (layout, shape) {
            (Layout::ValueAndTime, _) | (Layout::Value, 0) => format!(r#"{{"label": {label}}}, {help}"#),
            (Layout::Value, 1) => format!(r#"{{"label": {label}}}"#),
            (Layout::Value, _) => format!(r#"["label"], [{label}]"#),
        };
        format!(r#"["{name}", "{name}", {rest}]"#).into_bytes()
    })
}

fn encoded(layout: Layout, entries: &[(Vec<u8>, u64, u64)]) -> Vec<u8> {
    let mut encoder = Encoder::new(layout);
    for (key, value, timestamp) in entries {
        assert!(encoder.push(key, f64::from_bits(*value), f64::from_bits(*timestamp)));
    }
    encoder.into_bytes()
}

fn stored(layout: Layout, entries: &[(Vec<u8>, u64, u64)]) -> Vec<Bits> {
    let has_time = layout == Layout::ValueAndTime;
    entries.iter().map(|(key, value, time)| (key.clone(), *value, has_time.then_some(*time))).collect()
}

/// One walk over a whole file: the entries before a damage, and the damage.
fn decoded(file: &[u8]) -> (Vec<Bits>, Option<FormatError>) {
    let mut found = Vec::new();
    let mut walk = || {
        let Used::Bytes(used) = format::used(file)? else { return Ok(()) };
        let Detected::Layout(layout) = format::detect(file, used, true)? else {
            panic!("more than the whole file is wanted")
        };
        let mut entries = Entries::new(&file[HEADER_BYTES..], HEADER_BYTES as u64, used, layout);
        for entry in entries.by_ref() {
            let entry = entry?;
            found.push((entry.key().to_vec(), entry.value.to_bits(), entry.timestamp.map(f64::to_bits)));
        }
        if entries.offset() < used {
            return Err(FormatError::UsedBeyondFile { offset: file.len() as u64, used });
        }
        Ok(())
    };
    let damage = walk().err();
    (found, damage)
}

/// The same through a file and the reader, which takes it in pieces.
fn read(file: &[u8]) -> (Vec<Bits>, Option<FormatError>) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("counter_1.db");
    fs::write(&path, file).unwrap();
    let files = scan_all(&[path], false).unwrap().files;
    let mut found = Vec::new();
    let read = read_files(&files, None, |_, reader| {
        let read = reader.read(|entries, _| {
            entries.try_for_each(|entry| {
                let entry = entry?;
                found.push((entry.key().to_vec(), entry.value.to_bits(), entry.timestamp.map(f64::to_bits)));
                Ok(())
            })
        });
        read.map(drop)
    });
    match read {
        Ok(()) => (found, None),
        Err(ReadError::Format(damage)) => (found, Some(damage)),
        Err(error) => panic!("{error}"),
    }
}

/// Entries of one layout, with timestamps of the last hundred years: a timestamp is what the wrong
/// layout takes for the length of a key.
fn files(most: usize) -> impl Strategy<Value = (Layout, Vec<(Vec<u8>, u64, u64)>)> {
    layouts().prop_flat_map(move |layout| {
        let time = prop_oneof![Just(0.0), 0.0..4e9_f64].prop_map(f64::to_bits);
        (Just(layout), prop::collection::vec((json_key(layout), any::<u64>(), time), 1..most))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decoding_what_was_encoded_is_the_identity(
        layout in layouts(),
        entries in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 1..200), any::<u64>(), any::<u64>()), 0..20),
    ) {
        let file = encoded(layout, &entries);
        let mut walk = Entries::new(&file[HEADER_BYTES..], HEADER_BYTES as u64, file.len() as u64, layout);
        let found: Vec<Bits> = walk
            .by_ref()
            .map(|entry| entry.unwrap())
            .map(|e| (e.key().to_vec(), e.value.to_bits(), e.timestamp.map(f64::to_bits)))
            .collect();
        prop_assert_eq!(found, stored(layout, &entries));
        prop_assert_eq!(walk.offset(), file.len() as u64);
    }

    // Of a healthy file with keys of a known shape the layout is certain below 512 MiB. The right one
    // finds the second entry, or the end. The wrong one for a file with timestamps may find anything
    // in them and does not count beside the right one. The wrong one for a file without finds the
    // second key's fifth to eighth byte, or nothing: printable bytes make a length of at least 512 MiB.
    #[test]
    fn the_layout_is_found_from_the_first_entries((layout, entries) in files(4)) {
        let mut file = encoded(layout, &entries);
        let used = file.len() as u64;
        prop_assert_eq!(format::detect(&file, used, true), Ok(Detected::Layout(layout)));
        // As a file of the client goes on behind `used`.
        file.resize(file.len() + 300, 0);
        prop_assert_eq!(format::detect(&file, used, true), Ok(Detected::Layout(layout)));
        // Less of the file gives the same answer, or none yet.
        for len in HEADER_BYTES..file.len() {
            match format::detect(&file[..len], used, false) {
                Ok(Detected::NeedMore(count)) => prop_assert!((len + 1..=file.len()).contains(&count)),
                other => prop_assert_eq!(other, Ok(Detected::Layout(layout))),
            }
        }
    }

    #[test]
    fn a_truncated_file_has_the_entries_before_its_end((layout, entries) in files(12), cut in any::<prop::sample::Index>()) {
        let whole = encoded(layout, &entries);
        let file = &whole[..cut.index(whole.len())];
        let (found, damage) = decoded(file);
        let all = stored(layout, &entries);
        prop_assert!(all.starts_with(&found), "{:?}", found);
        match damage {
            Some(damage) => prop_assert!(damage.offset() <= file.len() as u64, "{}", damage),
            // Shorter than a header, it is an empty file.
            None => prop_assert!(file.len() < HEADER_BYTES),
        }
        // Complete entries are not lost, where the length and the bracket of the second are left to
        // tell the layout.
        let end_of_first = HEADER_BYTES + file_size_of(layout, &entries[0].0);
        if file.len() >= end_of_first + 5 {
            let complete = complete_entries(layout, &entries, file.len());
            prop_assert_eq!(found.len(), complete);
        }
        prop_assert_eq!(read(file), decoded(file));
    }

    #[test]
    fn a_flipped_byte_leaves_the_healthy_files_and_an_offset_in_the_file(
        (layout, entries) in files(8), at in any::<prop::sample::Index>(), flip in 1..=255_u8,
    ) {
        let mut file = encoded(layout, &entries);
        let at = at.index(file.len());
        file[at] ^= flip;
        let (found, damage) = decoded(&file);
        if let Some(damage) = &damage {
            prop_assert!(damage.offset() <= file.len() as u64, "{}", damage);
        }
        // What stands before the flipped byte is untouched, if the layout was found: the first two
        // entries decide on it.
        let before = complete_entries(layout, &entries, at);
        if before >= 2 {
            prop_assert_eq!(&found[..before], &stored(layout, &entries)[..before]);
        }
        prop_assert_eq!(read(&file), (found, damage));

        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("counter_1.db"), &file).unwrap();
        let healthy = [(br#"["healthy", "healthy_total", {}, ""]"#.to_vec(), 2.0_f64.to_bits(), 0)];
        fs::write(directory.path().join("counter_2.db"), encoded(Layout::ValueAndTime, &healthy)).unwrap();
        let merged = merge_paths(&[directory.path().to_owned()], false, &Options::default()).unwrap().1;
        let families: Vec<_> = merged.series.into_families().filter(|family| family.name == "healthy").collect();
        prop_assert_eq!(families.len(), 1);
        prop_assert_eq!(families[0].samples.last().unwrap().value, 2.0);
    }
}

/// Sizes of entries about those of the reader's buffers: its room for what is left of a piece (4 KiB)
/// and the piece (128 KiB).
fn sizes() -> impl Strategy<Value = Vec<usize>> {
    let size = prop_oneof![
        4 => 0..200_usize,
        1 => 4_000..4_200_usize,
        1 => 130_900..131_200_usize,
        1 => 200_000..400_000_usize,
    ];
    prop::collection::vec(size, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_reader_finds_what_one_walk_over_the_file_finds(
        layout in layouts(), sizes in sizes(), cut in any::<prop::sample::Index>(),
        damage in prop::option::of((any::<prop::sample::Index>(), 1..=255_u8)),
    ) {
        let mut file = encoded(layout, &entries_of(&sizes));
        prop_assert_eq!(read(&file), (stored(layout, &entries_of(&sizes)), None));
        if let Some((at, flip)) = damage {
            // Behind the first entry's start, so that more than that is read.
            let at = 16 + at.index(file.len() - 16);
            file[at] ^= flip;
            prop_assert!(read(&file) == decoded(&file));
        }
        file.truncate(cut.index(file.len()));
        prop_assert!(read(&file) == decoded(&file));
        file.resize(file.len() + 70_000, 0);
        prop_assert!(read(&file) == decoded(&file));
    }
}

/// Entries with a label of each of these sizes.
fn entries_of(sizes: &[usize]) -> Vec<(Vec<u8>, u64, u64)> {
    let key = |size: usize| serde_json::json!(["m", "m", {"l": "x".repeat(size)}, "h"]).to_string();
    (0_u64..).zip(sizes).map(|(i, size)| (key(*size).into_bytes(), i, i)).collect()
}

fn file_size_of(layout: Layout, key: &[u8]) -> usize {
    encoded(layout, &[(key.to_vec(), 0, 0)]).len() - HEADER_BYTES
}

/// How many entries end within the first `len` bytes of their file.
fn complete_entries(layout: Layout, entries: &[(Vec<u8>, u64, u64)], len: usize) -> usize {
    let ends = entries.iter().scan(HEADER_BYTES, |end, (key, ..)| {
        *end += file_size_of(layout, key);
        Some(*end)
    });
    ends.take_while(|end| *end <= len).count()
}

#[test]
fn wherever_a_file_of_any_era_is_cut_off_the_entries_before_are_there() {
    for (layout, key) in [
        (Layout::Value, r#"["m", "m", ["l"], ["v"]]"#),
        (Layout::Value, r#"["m", "m", {"l": "v"}]"#),
        (Layout::Value, r#"["m", "m", {"l": "v"}, "h"]"#),
        (Layout::ValueAndTime, r#"["m", "m", {"l": "v"}, "h"]"#),
    ] {
        for time in [0.0, 1_700_000_000.25_f64] {
            let entries = vec![(key.as_bytes().to_vec(), 1.5_f64.to_bits(), time.to_bits()); 3];
            let whole = encoded(layout, &entries);
            let second = HEADER_BYTES + file_size_of(layout, key.as_bytes());
            // The start of the second entry, its length and its bracket, tells the layout.
            for len in second + 5..whole.len() {
                let (found, damage) = decoded(&whole[..len]);
                let complete = complete_entries(layout, &entries, len);
                assert_eq!(found, &stored(layout, &entries)[..complete], "{layout:?} {key} cut at {len}");
                let used = whole.len() as u64;
                assert_eq!(damage, Some(FormatError::UsedBeyondFile { offset: len as u64, used }));
            }
        }
    }
}

#[test]
fn long_keys_and_large_files_lose_no_entry() {
    // The reader takes 128 KiB at a time.
    for sizes in [vec![300_000], vec![10, 200_000, 10, 131_072, 131_060, 10], vec![150; 5_000]] {
        for layout in [Layout::Value, Layout::ValueAndTime] {
            let entries = entries_of(&sizes);
            let file = encoded(layout, &entries);
            assert_eq!(read(&file), (stored(layout, &entries), None));
            let cut = &file[..file.len() - 1];
            assert_eq!(read(cut), decoded(cut));
        }
    }
}

#[test]
fn a_file_that_claims_2_gib_is_merged_in_64_mib() {
    let mut forged = encoded(Layout::ValueAndTime, &vec![(br#"["m", "m", {}, "h"]"#.to_vec(), 0, 0); 3]);
    forged[..4].copy_from_slice(&i32::MAX.to_ne_bytes());
    let second = HEADER_BYTES + file_size_of(Layout::ValueAndTime, br#"["m", "m", {}, "h"]"#);
    forged[second..second + 4].copy_from_slice(&(i32::MAX - 1_000).to_ne_bytes());
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("counter_1.db"), &forged).unwrap();
    // 64 MiB of address space hold the program, not a buffer of 2 GiB.
    let limited = format!(
        "ulimit -v 65536; exec {} merge --threads 1 {}",
        env!("CARGO_BIN_EXE_promproc"),
        directory.path().display()
    );
    let output = std::process::Command::new("sh").args(["-c", &limited]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("counter_1.db: byte ") && output.status.code() == Some(1), "{stderr}");
}

proptest! {
    #[test]
    fn a_selector_of_any_text_is_one_or_points_into_the_text(
        text in prop_oneof![
            any::<String>(),
            r#"[a-z{}]{0,3}[{]?([a-z"=~! ]{0,4}["'`][a-z.*+(\\"'`é]{0,5}["'`]?[,} ]{0,2}){0,3}"#,
        ]
    ) {
        if let Err(error) = text.parse::<Selector>() {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column), "{}", error);
        }
    }
}
