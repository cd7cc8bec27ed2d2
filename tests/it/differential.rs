//! promproc against the official client: the same bytes for several hundred random directories.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::dump::assert_dump_is_what_the_client_reads;
use crate::support::random::{Abilities, RandomDirectory};
use crate::support::{Client, Merge, assert_same_text, promproc_merge};

/// How often a release gets a random directory.
const DIRECTORIES_PER_RELEASE: u64 = 60;
const CURRENT_DIRECTORIES: u64 = 200;

const ESCAPINGS: [&str; 4] = ["underscores", "dots", "values", "allow-utf-8"];

#[test]
fn random_directories_of_era_a() {
    random_directories_of("0.2.0");
}

#[test]
fn random_directories_of_era_b() {
    random_directories_of("0.8.0");
}

#[test]
fn random_directories_of_era_c() {
    random_directories_of("0.16.0");
    random_directories_of("0.17.1");
}

#[test]
fn random_directories_of_era_d() {
    random_directories_of("0.21.1");
}

#[test]
fn random_directories_of_the_current_client() {
    let Some(mut client) = Client::current() else { return };
    for seed in 0..CURRENT_DIRECTORIES {
        let directory = TempDir::new().unwrap();
        write(&mut client, directory.path(), seed, "0.26.0");
        compare(directory.path(), directory.path(), &mut client, seed, "0.26.0");
    }
}

#[test]
fn random_directories_of_several_eras_at_once() {
    const VERSIONS: [&str; 5] = ["0.2.0", "0.8.0", "0.16.0", "0.21.1", "0.26.0"];
    let Some(mut clients) = VERSIONS.map(Client::version).into_iter().collect::<Option<Vec<_>>>() else {
        return;
    };
    for seed in 0..DIRECTORIES_PER_RELEASE {
        let [mixed, transcoded] = [(); 2].map(|()| TempDir::new().unwrap());
        for (client, version) in
            [0, 1].map(|nth: u64| (usize::try_from(seed + nth * 2).unwrap()) % 5).map(|i| (i, VERSIONS[i]))
        {
            let own = TempDir::new().unwrap();
            write(&mut clients[client], own.path(), seed * 5 + client as u64, version);
            let entries = clients[client].read(own.path()).unwrap();
            // A process writes in one era, so a file that both wrote is the first one's.
            let entries: Vec<_> =
                entries.into_iter().filter(|file| !mixed.path().join(&file.name).exists()).collect();
            for file in &entries {
                fs::copy(own.path().join(&file.name), mixed.path().join(&file.name)).unwrap();
            }
            clients.last_mut().unwrap().transcode(transcoded.path(), &entries).unwrap();
        }
        compare(mixed.path(), transcoded.path(), clients.last_mut().unwrap(), seed, "several eras");
    }
}

#[test]
fn dump_shows_what_the_client_reads() {
    for version in ["0.2.0", "0.8.0", "0.16.0", "0.26.0"] {
        let Some(mut client) = Client::version(version) else { return };
        for seed in 0..20 {
            let directory = TempDir::new().unwrap();
            write(&mut client, directory.path(), seed, version);
            let what = format!("seed {seed} of {version}");
            assert_dump_is_what_the_client_reads(directory.path(), &mut client, &what);
        }
    }
}

/// Directories of a release compared with the current client's output. It cannot read what
/// releases before 0.18.0 wrote; they are read by the client that wrote them and written anew.
fn random_directories_of(version: &str) {
    let (Some(mut old), Some(mut current)) = (Client::version(version), Client::current()) else { return };
    for seed in 0..DIRECTORIES_PER_RELEASE {
        let [directory, transcoded] = [(); 2].map(|()| TempDir::new().unwrap());
        write(&mut old, directory.path(), seed, version);
        let entries = old.read(directory.path()).unwrap();
        current.transcode(transcoded.path(), &entries).unwrap();
        compare(directory.path(), transcoded.path(), &mut current, seed, version);
    }
}

fn write(client: &mut Client, directory: &Path, seed: u64, version: &str) {
    let random = RandomDirectory::new(seed, Abilities::of(version));
    let what = |error| panic!("seed {seed} of {version}: {error} at {random:#?}");
    client.write(directory, &random.processes).unwrap_or_else(what);
    for (name, entries) in &random.forged {
        client.raw(&directory.join(name), entries).unwrap_or_else(|error| panic!("{error} at {entries}"));
    }
}

/// Compares `promproc merge ours` with what the client says about `theirs`, in both formats and,
/// changing from seed to seed, in one of the other ways to print them.
fn compare(ours: &Path, theirs: &Path, client: &mut Client, seed: u64, version: &str) {
    let nth = usize::try_from(seed).unwrap();
    let other = Merge {
        format: ["text", "openmetrics"][nth % 2],
        escaping: ESCAPINGS[nth / 2 % 4],
        accumulate: nth / 8 % 2 == 0,
    };
    for how in [Merge::default(), Merge { format: "openmetrics", ..Merge::default() }, other] {
        let what = format!("seed {seed} of {version}, {how:?}");
        let expected =
            client.merge(theirs, how).unwrap_or_else(|error| panic!("{what}: the client: {error}"));
        let output = promproc_merge(ours, how);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{what}: {}: {stderr}", output.status);
        assert_same_text(&String::from_utf8(output.stdout).unwrap(), &expected, &what);
    }
}
