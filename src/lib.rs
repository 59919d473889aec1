//! chaperone: the sidecar that lets not-yet-reviewed code meet real data, and only the data of the
//! person it acts for.

pub mod admin;
pub mod app;
pub mod audit;
pub mod capability;
pub mod cli;
pub mod config;
pub mod filter;
pub mod json;
pub mod policy;
pub mod proxy;
pub mod runtime;
pub mod scan;
pub mod telemetry;
pub mod transport;
pub mod types;
