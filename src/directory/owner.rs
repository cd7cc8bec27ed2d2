//! Whose a file is, and who may therefore maintain it.

use std::fs;
use std::path::Path;

use rustix::fs::StatVfsMountFlags;

/// As whom a command has to run that maintains a file of that owner, as `sudo -u` takes it: the user's name, or
/// `#` and the number where it has none. `None` if the caller may do it.
pub fn user_to_be(owner: u32) -> Option<String> {
    let caller = rustix::process::geteuid().as_raw();
    (caller != 0 && caller != owner).then(|| user_name(owner).unwrap_or_else(|| format!("#{owner}")))
}

/// The user's name, or number where it has none.
pub fn user_named(user: u32) -> String {
    user_name(user).unwrap_or_else(|| user.to_string())
}

/// Whether the file system of a path is mounted read-only, as this process sees it.
pub fn is_read_only(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// From the file, not through the system's name services, which a static binary cannot load.
fn user_name(owner: u32) -> Option<String> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let name_of = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(owner)).then(|| name.to_owned())
    };
    users.lines().find_map(name_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_a_name() {
        assert_eq!(user_name(0).as_deref(), Some("root"));
        assert_eq!(user_name(u32::MAX - 7), None);
    }
}
