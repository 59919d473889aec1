//! The policy: what each route's exchanges may hold, read from files that people review.

pub mod treatment;
