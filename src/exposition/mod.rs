//! The exposition formats: metric families in, bytes out; one format a file.

mod escaping;
pub mod openmetrics;
pub mod prom2json;
pub mod text;

pub use escaping::Escaping;
