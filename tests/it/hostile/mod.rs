//! On ground that others can write to: directories and links that are swapped while promproc works, what
//! blocks who opens it, files of holes, removals that were interrupted, text that is not what it seems.

mod blocking;
mod holes;
mod interrupted;
mod killed;
mod leases;
mod swapped;
mod text;
mod trees;

use std::time::Duration;

use crate::support::*;

/// How long a race is tried.
const RACE: Duration = Duration::from_secs(30);
