//! The matinv command line tool.
pub mod format;
