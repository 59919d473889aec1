//! Any text is a policy or a list of mistakes, each at a place inside the text.
//!
//! What stands behind the first NUL is a request target that a loaded policy is asked about.

#![no_main]

use std::path::Path;

use chaperone::policy;
use chaperone::types::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (text, target) = text.split_once('\0').unwrap_or((text, "/"));
    match policy::parse(Path::new("../../policies/catch-all/policy.yaml"), text) {
        Ok(policy) => {
            if let Ok(target) = Target::parse(target) {
                let _ = policy.route(&http::Method::GET, &target);
            }
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            for mistake in mistakes {
                assert!(!mistake.is_unreadable(), "{mistake}");
                let (excerpt, span) = mistake.excerpt().expect("it has a place");
                assert!(excerpt.get(span).is_some(), "{mistake}");
            }
        }
    }
});
