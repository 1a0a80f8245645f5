//! The matinv command line tool.
