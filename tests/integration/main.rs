//! What the program does, seen through its public doors.

#[cfg(test)]
mod bound;
#[cfg(test)]
mod capability;
#[cfg(test)]
#[path = "../support/client.rs"]
mod client;
#[cfg(test)]
mod dictionary;
#[cfg(test)]
#[path = "../support/frame.rs"]
mod frame;
#[cfg(test)]
#[path = "../support/preview.rs"]
mod preview;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod redact;
#[cfg(test)]
mod scan;
#[cfg(test)]
#[path = "../support/upstream.rs"]
mod upstream;
