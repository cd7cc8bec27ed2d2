//! Where entries come from.

use promproc::directory::MetricFile;

/// A file, or standard input, which has no name that says anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub path: &'a str,
    pub metric_type: Option<&'a str>,
    pub mode: Option<&'a str>,
    pub pid: Option<&'a str>,
}

impl<'a> Origin<'a> {
    pub(crate) const STANDARD_INPUT: Origin<'static> =
        Origin { path: "-", metric_type: None, mode: None, pid: None };

    /// A file of that path.
    pub(crate) fn of(file: &'a MetricFile, path: &'a str) -> Self {
        Self {
            path,
            metric_type: Some(file.name.metric_type.as_str()),
            mode: file.name.mode.map(|_| file.name.mode_name()),
            pid: Some(file.name.pid()),
        }
    }
}
