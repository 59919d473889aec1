//! Lists of up to millions of terms, compiled once into a file that is mapped, not read.
//!
//! The same terms, found in the same way, as a list given to [`PatternSet::terms`](super::PatternSet::terms):
//! case-insensitive, word-bounded, overlapping ones included (docs/scan.md). Each entry is filed under
//! its anchor, the longest of its words that few entries have; where many have each, under its first
//! words. A filter over the anchors answers most of a haystack without a look at the entries.
//!
//! ```
//! use chaperone::scan::{Dictionary, PatternSet, Span};
//!
//! let names = Dictionary::build(["Ada Lovelace", "Ada", "ada@shop.example"])?;
//! let mut set = PatternSet::new();
//! set.dictionary(names)?;
//! let mut spans = Vec::new();
//! set.build()?.find(b"to: ADA@shop.example", &mut |hit| spans.push(hit.span));
//! spans.sort();
//! assert_eq!(spans, [Span::new(4, 7), Span::new(4, 20)]);
//! # Ok::<(), chaperone::scan::BuildError>(())
//! ```

mod anchor;
mod build;
mod entry;
mod error;
mod layout;
#[expect(
    unsafe_code,
    reason = "a mapped file can be changed by others; the file says why that is borne"
)]
mod map;
mod search;
#[cfg(test)]
mod tests;
mod token;
mod word;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

use super::fold::Folding;
use super::{BuildError, Strategy};

pub use error::{DictionaryError, DictionaryErrorKind};

use layout::Layout;

/// A compiled list: cheap to clone, shared between threads and, when opened from a file, between
/// processes.
#[derive(Clone, Debug)]
pub struct Dictionary {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    layout: Layout,
    folding: Folding,
}

/// Where the bytes of a dictionary are.
#[derive(Debug)]
enum Store {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl Store {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl Dictionary {
    /// Compiles a list. Entries that differ in case or white space alone are one.
    ///
    /// # Errors
    /// Fails when an entry is longer than 256 characters, or has no letter, digit or `_`; or the
    /// whole is larger than 4 GiB.
    pub fn build<'t>(entries: impl IntoIterator<Item = &'t str>) -> Result<Self, BuildError> {
        let bytes = build::build(entries)?;
        // What was just laid out can be read.
        Self::of(Store::Owned(bytes)).map_err(|_| super::BuildErrorKind::TooLarge.into())
    }

    /// Whether `entry` can be one of a dictionary.
    ///
    /// # Errors
    /// Fails as [`Dictionary::build`] does for it alone.
    pub fn accepts(entry: &str) -> Result<(), BuildError> {
        build::normal(entry).map(|_| ())
    }

    /// Maps the dictionary in a file. Its head is checked, its body is not read: see
    /// [`Dictionary::verify`].
    ///
    /// The file must be replaced (by renaming another over it), never written to.
    ///
    /// # Errors
    /// Fails when it can't be read, is no dictionary, is of another version, or its head or length
    /// isn't what was written.
    pub fn open(path: &Path) -> Result<Self, DictionaryError> {
        Self::of(Store::Mapped(map::map(&File::open(path)?)?))
    }

    fn of(store: Store) -> Result<Self, DictionaryError> {
        let layout = Layout::read(store.bytes())?;
        let folding = Folding::of(layout.folds(store.bytes()));
        let inner = Arc::new(Inner {
            store,
            layout,
            folding,
        });
        Ok(Self { inner })
    }

    /// Reads all of it and compares it with the hash in its head.
    ///
    /// # Errors
    /// Fails when a byte isn't what was written.
    pub fn verify(&self) -> Result<(), DictionaryError> {
        self.inner.layout.verify(self.as_bytes())
    }

    /// The compiled form: what a file of it holds.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.inner.store.bytes()
    }

    /// The first bytes of the compiled form, which hold the hash of the rest.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        let bytes = self.as_bytes();
        bytes.get(..layout::HEAD).unwrap_or(bytes)
    }

    /// These bytes are those of a dictionary, of this or another version.
    #[must_use]
    pub fn is_compiled(bytes: &[u8]) -> bool {
        bytes.starts_with(layout::MAGIC)
    }

    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.inner.layout.entries).unwrap_or(usize::MAX)
    }

    /// It has no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.layout.entries == 0
    }

    /// The most bytes before its anchor that an occurrence can have.
    pub(super) fn back(&self) -> usize {
        self.inner.layout.back
    }

    /// The most bytes from its anchor on that an occurrence can have.
    pub(super) fn ahead(&self) -> usize {
        self.inner.layout.ahead
    }

    /// Reports the span of every occurrence whose anchor begins in `from..to`.
    pub(super) fn find(
        &self,
        strategy: Strategy,
        bytes: &[u8],
        from: usize,
        to: usize,
        report: &mut dyn FnMut(usize, usize),
    ) {
        if !self.is_empty() {
            self.inner.search(strategy, bytes, from, to, report);
        }
    }
}
