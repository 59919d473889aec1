//! Descriptor sets: which methods gRPC servers have, and what their messages hold.
//!
//! Read by prost-reflect from what `protoc --include_imports --descriptor_set_out` writes.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use prost_reflect::{DescriptorError, DescriptorPool, MessageDescriptor};

/// The methods of one descriptor set, by their paths.
pub struct Descriptors {
    calls: HashMap<Box<str>, Arc<Call>>,
}

/// One method: what goes in and what comes out.
#[derive(Clone)]
pub struct Call {
    /// The path of its requests: `/package.Service/Method`.
    pub path: Box<str>,
    /// The type of a request's messages.
    pub request: MessageDescriptor,
    /// The type of an answer's messages.
    pub answer: MessageDescriptor,
    /// A request may hold any number of messages, not one.
    pub streams_requests: bool,
    /// An answer may hold any number of messages, not one.
    pub streams_answers: bool,
}

impl Descriptors {
    /// Reads a `google.protobuf.FileDescriptorSet`, as it is encoded.
    ///
    /// # Errors
    /// Says why it is none: malformed, or without the files that it imports.
    pub fn read(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let pool = DescriptorPool::decode(bytes)?;
        let mut calls = HashMap::new();
        for service in pool.services() {
            for method in service.methods() {
                let path: Box<str> = format!("/{}/{}", service.full_name(), method.name()).into();
                let call = Call {
                    path: path.clone(),
                    request: method.input(),
                    answer: method.output(),
                    streams_requests: method.is_client_streaming(),
                    streams_answers: method.is_server_streaming(),
                };
                calls.insert(path, Arc::new(call));
            }
        }
        Ok(Self { calls })
    }

    /// The method that is called at `path`, as it is written: nothing in it is decoded.
    #[must_use]
    pub fn call(&self, path: &str) -> Option<&Arc<Call>> {
        self.calls.get(path)
    }

    /// The paths of all methods.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.calls.keys().map(AsRef::as_ref)
    }
}

// Derived ones would print the whole set.
impl fmt::Debug for Descriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Descriptors")
            .field("calls", &self.calls.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
