//! How numbers, series, counts, other people's text, shell words and remedies are written.

mod causes;
mod count;
mod number;
mod printable;
mod remedy;
mod series;
mod shell;

pub use causes::with_causes;
pub use count::{counted, some_of};
pub use number::{go_string, plain, significant, write_go_string, write_plain};
pub use printable::{has_unsafe, is_unsafe, printable};
pub use remedy::Remedy;
pub use series::{all_labels, push_sample};
pub use shell::quoted;
