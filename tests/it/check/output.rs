//! What check prints for people and for Prometheus.

use super::*;

/// Two gauges that are stuck alike, and one with its labels.
fn stuck() -> Option<(TempDir, Holder, String)> {
    const GAUGES: &str = "
Gauge('inprogress', 'h', multiprocess_mode='livesum').inc(2)
g = Gauge('a_gauge_with_a_long_name_that_tells_what_it_is_about', 'h', ['path'], multiprocess_mode='liveall')
g.labels('/a').set(1); g.labels('/b').set(1)";
    let directory = directory();
    let pid = killed(directory.path(), GAUGES)?;
    let alive = worker(directory.path(), "Gauge('inprogress', 'h', multiprocess_mode='livesum').inc(1)")?;
    Some((directory, alive, pid))
}

#[test]
fn a_finding_is_a_line_and_those_fixed_alike_share_the_command() {
    let Some((directory, _alive, pid)) = stuck() else { return };
    let shown = directory.path().display();
    let ran = check(&[], directory.path());
    assert_eq!(
        ran.stdout,
        format!(
            "\
warning  stuck-gauge  a_gauge_with_a_long_name_that_tells_what_it_is_about (2 series)  1 → gone without 1 dead process
                      inprogress                                                       3 → 1 without 1 dead process
         fix: promproc prune {shown}
{shown}: 3 files, 4 entries, 3 series; 1 live process, 1 dead; 2 warnings
"
        )
    );
    let verbose = check(&["-v"], directory.path()).stdout;
    for part in [
        &format!("\n         {shown}/gauge_livesum_{pid}.db\n"),
        "\n           read lease granted: no process has it open for writing\n",
        "1 file of 1 dead process",
        "what a scrape costs: ",
    ] {
        assert!(verbose.contains(part), "{part:?} is missing in {verbose}");
    }
    assert_eq!(verbose.matches("fix: promproc prune").count(), 1, "{verbose}");
    let quiet = check(&["-q"], directory.path());
    assert_eq!(quiet.stdout.lines().count(), 3, "findings without the summary: {quiet:?}");
}

#[test]
fn findings_are_metrics_that_the_client_reads() {
    let Some((directory, _alive, _)) = stuck() else { return };
    let ran = check(&["--format", "prometheus"], directory.path());
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""));
    const PARSE: &str = "
import json, sys
from prometheus_client.parser import text_string_to_metric_families as parse
print(json.dumps([[s.name, s.labels, s.value] for f in parse(sys.stdin.read()) for s in f.samples]))";
    let Some(python) = python() else { return };
    let file = directory.path().join("metrics.prom");
    fs::write(&file, &ran.stdout).unwrap();
    let output = Command::new(python.interpreter())
        .args(["-B", "-E", "-s", "-c", PARSE])
        .stdin(fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    let samples: Vec<(String, serde_json::Value, f64)> = serde_json::from_slice(&output.stdout).unwrap();
    let value = |name: &str, labels: serde_json::Value| {
        samples.iter().find(|sample| sample.0 == name && sample.1 == labels).map(|sample| sample.2)
    };
    assert_eq!(value("promproc_findings", json!({"code": "stuck-gauge", "severity": "warning"})), Some(2.0));
    assert_eq!(value("promproc_files", json!({"liveness": "dead"})), Some(2.0));
    assert_eq!(value("promproc_workers", json!({"liveness": "live"})), Some(1.0));
    assert_eq!(value("promproc_series", json!({})), Some(3.0));
    assert_eq!(value("promproc_damaged_files", json!({})), Some(0.0));
    assert!(value("promproc_filesystem_avail_bytes", json!({})).unwrap() > 0.0);
}

#[test]
fn on_a_narrow_terminal_what_is_found_stands_below_its_code() {
    let directory = directory();
    fs::write(directory.path().join("counter_4999999.db"), b"").unwrap();
    let script = format!(
        "stty rows 50 cols 40; '{}' check '{}'",
        promproc().get_program().display(),
        directory.path().display()
    );
    let mut command = Command::new("script");
    let ran = run(command.args(["--quiet", "--return", "--command", &script, "/dev/null"]));
    let text = ran.stdout.replace("\r\n", "\n");
    assert!(text.contains("error    empty-file\n") || text.contains("empty-file\u{1b}[0m\n"), "{text:?}");
    assert!(text.lines().all(|line| !line.contains("empty-file") || !line.contains("byte")), "{text:?}");
}
