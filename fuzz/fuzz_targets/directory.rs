//! A directory of any names and contents goes through scan, merge, dump, explain and check: nothing panics,
//! and what a merge exposes is what it was traced to.
#![no_main]

use std::fs::{self, File};
use std::path::PathBuf;

use libfuzzer_sys::{arbitrary, fuzz_target};
use promproc::check::{Checked, check};
use promproc::directory::scan;
use promproc::explain::explain;
use promproc::merge::{Options, Traced, merge_paths};
use promproc::reader::{Dumper, read_files};
use promproc::select::SeriesFilter;

#[derive(Debug, arbitrary::Arbitrary)]
enum Name {
    Counter(u8),
    Histogram(u8),
    Summary(u8),
    Gauge(u8, u8),
    Any(String),
}

impl Name {
    fn text(&self) -> String {
        const MODES: [&str; 11] = [
            "all", "liveall", "max", "livemax", "min", "livemin", "mostrecent", "livemostrecent", "sum",
            "livesum", "avg",
        ];
        match self {
            Self::Counter(pid) => format!("counter_{pid}.db"),
            Self::Histogram(pid) => format!("histogram_{pid}.db"),
            Self::Summary(pid) => format!("summary_{pid}.db"),
            Self::Gauge(mode, pid) => format!("gauge_{}_{pid}.db", MODES[usize::from(*mode) % MODES.len()]),
            Self::Any(text) => text.clone(),
        }
    }
}

#[derive(Debug, arbitrary::Arbitrary)]
struct Content {
    bytes: Vec<u8>,
    /// How many zeros follow, in KiB.
    zeros: u16,
    /// Whether the header is to say that all of it is used.
    is_used: bool,
}

fuzz_target!(|files: Vec<(Name, Content)>| {
    let directory = PathBuf::from(format!("/dev/shm/promproc-fuzz-{}", std::process::id()));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir(&directory).expect("a directory");
    for (name, Content { bytes, zeros, is_used }) in files.iter().take(8) {
        let name = name.text();
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
            continue;
        }
        let mut bytes = bytes.clone();
        if let (true, Some(header)) = (is_used, bytes.first_chunk_mut()) {
            *header = i32::try_from(files.len() * 64).unwrap_or(8).max(9).to_ne_bytes();
        }
        let path = directory.join(name);
        // A name that is too long is none.
        if fs::write(&path, &bytes).is_ok() {
            let file = File::options().write(true).open(&path).expect("the file");
            file.set_len(bytes.len() as u64 + (u64::from(*zeros) << 10)).expect("zeros");
        }
    }
    let paths = [directory.clone()];
    let mut options = Options::default();
    options.traced = Traced::Everything;
    let (read, mut merged) = merge_paths(&paths, true, &options).expect("a directory that is there");
    for series in merged.series.traced() {
        assert!(series.contributions.iter().all(|one| one.file < read.len()));
    }
    let exposed = merged.series.into_families().map(|family| family.samples.len()).sum::<usize>();
    let mut dumper = Dumper::new(&SeriesFilter::default(), None);
    let mut entries = 0;
    let dumped = read_files(&scan(&directory).expect("a directory").files, Some(1), |file, reader| {
        dumper.entries(file, reader, |_, _, _| entries += 1);
        Ok::<(), std::convert::Infallible>(())
    });
    assert!(dumped.is_ok() && (exposed == 0 || entries > 0));
    let all = r#"{__name__=~".*",__name__!=""}"#.parse().expect("a selector");
    explain(&paths, true, &options, &all).expect("a directory that is there");
    let mut what = Checked::default();
    what.paths = paths.to_vec();
    what.recursive = true;
    check(&what).expect("a directory that is there");
    fs::remove_dir_all(&directory).expect("the directory");
});
