//! A value that no log line, debug output or error message shows.

use std::fmt;

use zeroize::Zeroize;

/// Holds a secret: prints as a fixed mask, is wiped when dropped, is read through [`Secret::expose`] alone.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes the secret in.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The secret itself; whoever calls this answers for where it goes.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}
