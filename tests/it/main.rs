//! Integration tests, one binary.
mod single;
