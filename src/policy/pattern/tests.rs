//! What a `match` reads as, refuses and covers.
