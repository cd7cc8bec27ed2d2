//! Metric files as the client has them, with few entries.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use promproc::format::{Encoder, Layout};
use tempfile::TempDir;

pub(crate) const GET: &str =
    r#"["http_requests", "http_requests_total", {"path": "/", "method": "GET"}, "Requests"]"#;
pub(crate) const POST: &str =
    r#"["http_requests", "http_requests_total", {"method": "POST", "path": "/"}, "Requests"]"#;
pub(crate) const SIZE: &str = r#"["queue_size", "queue_size", {"queue": "漢字"}, "Waiting"]"#;

/// The bytes of a file of era D, with a timestamp of 0.
pub(crate) fn encoded(entries: &[(&str, f64)]) -> Vec<u8> {
    let mut encoder = Encoder::new(Layout::ValueAndTime);
    for (key, value) in entries {
        assert!(encoder.push(key.as_bytes(), *value, 0.0));
    }
    encoder.into_bytes()
}

/// Writes a file as the client has it: sparse, and last modified long ago.
pub(crate) fn write(directory: &TempDir, name: &str, bytes: &[u8]) {
    let path = directory.path().join(name);
    fs::write(&path, bytes).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    if bytes.len() > 8 {
        file.set_len(65_536).unwrap();
    }
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
}
