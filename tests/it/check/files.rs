//! Damaged, foreign and strange files.

use super::*;

#[test]
fn damaged_files_are_set_aside() {
    let Some((directory, file)) = counted() else { return };
    let whole = fs::read(&file).unwrap();
    assert!(findings(directory.path()).is_empty());
    let aside = |name: &str| directory.path().join(format!("{name}.aside"));
    let with = |name: &str, bytes: &[u8], code: &[&str], says: &[&str]| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        assert_found(directory.path(), code, says, &["other-files"]);
        assert_eq!(fs::read(aside(name)).unwrap(), bytes, "nothing is lost");
        fs::remove_file(aside(name)).unwrap();
    };
    with("counter_8.db", b"", &["empty-file"], &["a file of 0 bytes"]);
    with("counter_8.db", &whole[..2], &["empty-file"], &["a file of 2 bytes"]);
    let used = i32::from_ne_bytes(whole[..4].try_into().unwrap());
    let cut = usize::try_from(used).unwrap() - 8;
    let says = format!("byte {cut}: the file ends here, used is {used}");
    with("counter_8.db", &whole[..cut], &["damaged-file", "odd-size"], &[&says]);
    with(
        "counter_8.db",
        &[b"SQLite format 3\0".as_slice(), &[1; 4080]].concat(),
        &["foreign-file"],
        &["an SQLite database, not a metric file"],
    );
    with("app.db", &whole, &["foreign-file"], &["not a name of a metric file"]);
    with("gauge_5.db", &whole, &["foreign-file"], &["not a name of a metric file"]);
    let mut bad = whole.clone();
    bad[12] = b'{';
    with("counter_8.db", &bad, &["foreign-file"], &["no client version writes such bytes"]);
    let mut wsl = vec![0; 65_536];
    wsl.extend(&whole);
    // Bytes at that place that could be a header are nothing without zeros before them.
    let noise: Vec<u8> =
        (0..80_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x7f).collect();
    let noisy = super::directory();
    fs::write(noisy.path().join("counter_8.db"), &noise).unwrap();
    assert!(!codes(&findings(noisy.path())).contains(&"wsl-layout"));
    with("counter_8.db", &wsl, &["wsl-layout"], &["stands at byte 65536", "what it counts is lost"]);

    // A copy that ends behind its entries is complete.
    fs::write(directory.path().join("counter_8.db"), &whole[..cut + 100]).unwrap();
    assert_found(directory.path(), &["odd-size"], &["bytes long"], &["odd-size"]);
    fs::remove_file(directory.path().join("counter_8.db")).unwrap();

    fs::create_dir(directory.path().join("counter_8.db")).unwrap();
    assert_found(directory.path(), &["foreign-file"], &["not a regular file"], &["other-files"]);
}

#[test]
fn whatever_merge_warns_of_is_a_finding() {
    for (name, bytes, _, warning) in damages() {
        let directory = directory();
        fs::write(directory.path().join(name), &bytes).unwrap();
        let found = findings(directory.path());
        let errors: Vec<_> = found.iter().filter(|finding| finding.severity == "error").collect();
        if warning.is_empty() {
            // What is shorter than its header's number makes the official client fail.
            assert!(errors.iter().all(|error| error.code == "empty-file"), "{found:?}");
        } else {
            let says = warning.strip_prefix("left out: ").unwrap_or(warning);
            assert!(errors.iter().any(|error| error.message.contains(says)), "{warning}: {found:?}");
            assert_eq!(check(&[], directory.path()).status, Some(1));
        }
    }
}

#[test]
fn entries_that_no_client_writes() {
    let Some((directory, _)) = counted() else { return };
    let mut client = Client::current().unwrap();
    let file = directory.path().join("counter_8.db");
    let entry = |key: &str, value: &str| json!({"key": key, "value": value, "timestamp": "0"});
    client.raw(&file, &json!([entry(r#"["c", "c_total", {"l": "a"}, "h"]"#, "-3.5")])).unwrap();
    assert_found(
        directory.path(),
        &["negative-counter"],
        &["1 count negative or NaN, the first c_total = -3.5 at byte 8"],
        &["other-files"],
    );
    fs::remove_file(directory.path().join("counter_8.db.aside")).unwrap();
    // Each file is set aside, and each counter named; a name may be strange.
    let strange = directory.path().join("counter_new\nline's.db");
    for file in [&file, &strange] {
        let other = entry(r#"["o", "o_total", {}, "h"]"#, "-1");
        client.raw(file, &json!([entry(r#"["c", "c_total", {"l": "a"}, "h"]"#, "-3.5"), other])).unwrap();
    }
    let found = assert_found(
        directory.path(),
        &["negative-counter"; 2],
        &["2 counts negative or NaN, the first c_total = -3.5", "the first o_total = -1 at"],
        &["other-files"],
    );
    assert_eq!((found[0].files.len(), found[0].commands.len()), (2, 2), "{found:?}");
    for name in ["counter_8.db.aside", "counter_new\nline's.db.aside"] {
        fs::remove_file(directory.path().join(name)).unwrap();
    }
    client
        .raw(&file, &json!([entry(r#"["c", "c_total", {"l": "a"}, "h"]"#, "1"), entry("[1, 2]", "1")]))
        .unwrap();
    assert_found(directory.path(), &["bad-key"], &["entry left out"], &["other-files"]);
}

#[test]
fn a_damaged_file_of_a_live_process_is_left_to_it() {
    let directory = directory();
    let Some(live) = worker(directory.path(), "Counter('c', 'h').inc()") else { return };
    let file = directory.path().join(format!("counter_{}.db", live.pid()));
    let whole = fs::read(&file).unwrap();
    // Not truncated, which would kill the writer.
    let damaged = [&[0xff, 0xff, 0, 0], &whole[4..8], &[9, 9, 9, 9], &whole[12..]].concat();
    fs::write(directory.path().join("copy"), &damaged).unwrap();
    let mut open = fs::File::options().write(true).open(&file).unwrap();
    std::io::Write::write_all(&mut open, &damaged).unwrap();
    drop(open);
    let found = findings(directory.path());
    assert_eq!(codes(&found), ["foreign-file", "other-files"], "{found:?}");
    assert!(
        found[0].commands.is_empty() && found[0].advice.starts_with("restart the process if"),
        "{found:?}"
    );
}
