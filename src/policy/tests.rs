//! Whole policies: what loads, what is refused, who gets in.
