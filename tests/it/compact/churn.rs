//! Processes come, count, are killed and get numbers that were used before, while several compact and scrape.

use std::env;

use super::*;

const CHURN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/churn.py");

/// How long it goes on; longer by hand.
fn seconds() -> String {
    env::var("PROMPROC_CHURN_SECONDS").unwrap_or_else(|_| "45".to_owned())
}

/// Runs it, and checks what must hold in any case. Returns what happened.
fn churned(mode: &str) -> Option<Value> {
    let directory = Directory::with(&[]);
    let mut command = Command::new(python()?.interpreter());
    command.args(["-B", "-E", "-s", CHURN, env!("CARGO_BIN_EXE_promproc")]).arg(directory.path());
    let ran = run(command.args([&seconds(), mode]));
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let happened: Value = serde_json::from_str(&ran.stdout).unwrap();
    tell(format_args!("{mode}: {happened}"));
    for (part, done) in happened.as_object().unwrap() {
        if let Some(wrong) = done.get("wrong") {
            assert_eq!(wrong, &serde_json::json!([]), "{part}: {happened}");
        }
    }
    let counts: Vec<f64> = serde_json::from_value(happened["counts"].clone()).unwrap();
    assert!(counts[0] <= counts[1] && counts[1] <= counts[2], "{happened}");
    assert_eq!((&happened["last"][0], &happened["left"]), (&0.into(), &serde_json::json!([])), "{happened}");
    assert!(happened["killed"].as_u64().unwrap() > 0, "{happened}");
    let files: u64 =
        ["compact 1", "compact 2"].iter().map(|part| happened[*part]["files"].as_u64().unwrap()).sum();
    assert!(files > 0, "nothing was folded: {happened}");
    Some(happened)
}

#[test]
fn while_numbers_are_used_again_no_count_is_lost_or_doubled() {
    let Some(happened) = churned("quiet") else { return };
    assert!(happened["reused"].as_u64().unwrap() > 0, "{happened}");
    assert!(happened["scraper"]["right"].as_u64().unwrap() > 0, "{happened}");
}

#[test]
fn under_scrapes_without_a_pause_no_count_is_lost_or_doubled() {
    let Some(happened) = churned("unquiet") else { return };
    assert!(happened["scraper"]["right"].as_u64().unwrap() > 100, "{happened}");
    assert!(happened["merger 2"]["right"].as_u64().unwrap() > 100, "{happened}");
}
