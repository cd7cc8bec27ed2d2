//! On ground that others can write to: directories and links that are swapped while promproc works, what
//! blocks who opens it, files of holes, and removals that were interrupted.

mod blocking;
mod holes;
mod interrupted;
mod leases;
mod swapped;
mod trees;

use std::time::Duration;

use crate::support::*;

/// How long a race is tried.
const RACE: Duration = Duration::from_secs(30);
