//! Names of promproc's own in a directory. None matches the client's `glob('*.db')`: they begin with a dot.

use std::hash::{BuildHasher, Hasher, RandomState};

/// How all of them begin.
pub(crate) const OWN_PREFIX: &str = ".promproc-";
/// What follows in the name of a file on its way out: random hexadecimal digits, a dash, and the name
/// that it had come after that.
pub(crate) const REMOVING: &str = "rm-";
/// How many digits these are.
const RANDOM_DIGITS: usize = 16;

/// Sixteen hexadecimal digits that nobody can foresee; two runs have two.
pub(crate) fn random_digits() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("{random:0RANDOM_DIGITS$x}")
}

/// Whether a text is of that shape.
pub(crate) fn are_random_digits(text: &str) -> bool {
    text.len() == RANDOM_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The name that a file on its way out had.
pub(super) fn name_before(aside: &str) -> Option<&str> {
    let (random, name) = aside.strip_prefix(OWN_PREFIX)?.strip_prefix(REMOVING)?.split_once('-')?;
    // A file cannot have been called `.` or `..`.
    (are_random_digits(random) && !matches!(name, "" | "." | "..")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_aside_leads_back() {
        let aside = format!("{OWN_PREFIX}{REMOVING}0123456789abcdef-gauge_livesum_7.db");
        assert_eq!(name_before(&aside), Some("gauge_livesum_7.db"));
        for name in [".promproc-abc.tmp", ".promproc-rm-12-x", ".promproc-rm-0123456789abcdef-", "x"] {
            assert_eq!(name_before(name), None, "{name}");
            assert_eq!(name_before(&format!("{name}..")), None, "{name}..");
        }
    }
}
