//! The `chaperone` program: parse, dispatch, exit.

fn main() {}
