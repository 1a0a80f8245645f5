//! matinv.
