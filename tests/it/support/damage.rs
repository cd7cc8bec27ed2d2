//! Damaged metric files.

use promproc::format::{Encoder, Layout};

use super::metric_file::{GET, POST, encoded};

/// One row of the table of damaged input: a file, which of the two entries before its damage are
/// shown, and what the warning says; an empty one is no warning.
pub(crate) type Damage = (&'static str, Vec<u8>, &'static str, &'static str);

pub(crate) fn damages() -> Vec<Damage> {
    let whole = encoded(&[(GET, 1.0), (POST, 2.0)]);
    let with_used = |bytes: &[u8], used: i32| [&used.to_ne_bytes(), &bytes[4..]].concat();
    let mut with_length = whole.clone();
    with_length[120..124].copy_from_slice(&1_000_000_i32.to_ne_bytes());
    let mut with_no_length = whole.clone();
    with_no_length[120..124].copy_from_slice(&(-4_i32).to_ne_bytes());
    let used = i32::try_from(whole.len()).unwrap();
    let mut long = vec![0; 65_536];
    long[..whole.len()].copy_from_slice(&whole);
    vec![
        ("counter_1.db", vec![], "", ""),
        ("counter_1.db", vec![1; 7], "", ""),
        ("counter_1.db", vec![0; 65_536], "", ""),
        ("counter_1.db", with_used(&[0; 64], 8), "", ""),
        ("counter_1.db", with_used(&[0; 64], -1), "", "byte 0: used is -1"),
        ("counter_1.db", with_used(&[0; 64], 7), "", "byte 0: used is 7"),
        (
            "counter_1.db",
            with_used(&whole, used + 80),
            "1.0 2.0",
            "byte 232: the file ends here, used is 312",
        ),
        ("counter_1.db", whole[..200].to_vec(), "1.0", "byte 200: the file ends here, used is 232"),
        (
            "counter_1.db",
            with_length,
            "1.0",
            "byte 120: the entry (length 1000000) ends at byte 1000144, beyond used 232",
        ),
        ("counter_1.db", with_no_length, "1.0", "byte 120: the entry's length is -4"),
        (
            "counter_1.db",
            with_used(&long, used - 8),
            "1.0",
            "byte 120: the entry (length 85) ends at byte 232, beyond used 224",
        ),
        (
            "counter_1.db",
            encoded(&[(GET, 1.0), ("[\"m\"]   ", 5.0), ("[1, 2, 3, 4]", 6.0), (POST, 2.0)]),
            "1.0 2.0",
            "byte 120: entry left out: the key is not a JSON list of family, sample, labels (and help)",
        ),
        (
            "counter_1.db",
            b"SQLite format 3\0".repeat(40),
            "",
            "byte 0: an SQLite database, not a metric file",
        ),
        ("gauge_max_1.db", b"a text, and not a short one, of somebody\n".repeat(4), "", "not a metric file"),
        (
            "histogram_puma_2-0.db",
            of_ruby(),
            "",
            "byte 8: written by the Ruby client (prometheus-client-mmap)",
        ),
        ("foo.db", whole.clone(), "", "left out: not a name of a metric file"),
        ("gauge_5.db", whole, "", "left out: not a name of a metric file"),
    ]
}

/// A histogram of Ruby's prometheus-client-mmap, as `Prometheus::Client::Histogram` stores it.
pub(crate) fn of_ruby() -> Vec<u8> {
    let mut encoder = Encoder::new(Layout::Value);
    for (name, labels, value) in [
        ("sum", r#"["path"],["/"]"#, 0.75),
        ("count", r#"["path"],["/"]"#, 2.0),
        ("bucket", r#"["le","path"],["+Inf","/"]"#, 2.0),
        ("bucket", r#"["le","path"],["0.5","/"]"#, 2.0),
        ("bucket", r#"["le","path"],["0.25","/"]"#, 1.0),
    ] {
        assert!(encoder.push(format!(r#"["took","took_{name}",{labels}]"#).as_bytes(), value, 0.0));
    }
    encoder.into_bytes()
}
