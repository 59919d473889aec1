//! What somebody publishes at an address: its last good edition, and for how long that one is good.
//!
//! Nothing here goes to the network. Whoever fetches waits for [`Source::wanted`], hands the text over with
//! [`Source::take`] and says with [`Source::attempted`] that it has tried; readers ask for [`Published::current`].
//!
//! INVARIANT: an edition that can't be read never replaces one that could, and none is used beyond its age.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use tokio::sync::{Notify, Semaphore, watch};

/// Requests that may wait for a fetch at once; others are refused without it.
const WAITING: usize = 32;
/// The longest wait of a request for a fetch.
const PATIENCE: Duration = Duration::from_secs(5);
/// The least time between two fetches, unless the address is read more often anyway.
const PAUSE: Duration = Duration::from_secs(30);
/// How far a clock may be set back before what was fetched counts as of an unknown age.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Where something is published, and how it is read there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `https:`, or `http:` on the loopback.
    pub url: http::Uri,
    /// The certificates (PEM) that the server's must lead to; the public ones where none is named.
    pub ca: Option<Arc<str>>,
    /// How often it is read.
    pub every: Duration,
    /// How long an edition holds after it was last read.
    pub max_age: Duration,
}

impl Address {
    /// The URL in `text`.
    ///
    /// # Errors
    /// Refuses other schemes, plain HTTP to other machines, and URLs with a user or a fragment.
    pub fn url(text: &str) -> Result<http::Uri, AddressError> {
        let is_plain = text.len() <= 2048 && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain || text.contains('#') {
            return Err(AddressError::Form);
        }
        let url: http::Uri = text.parse().map_err(|_| AddressError::Form)?;
        let authority = url.authority().ok_or(AddressError::Form)?;
        if authority.as_str().contains('@') {
            return Err(AddressError::User);
        }
        match url.scheme_str() {
            Some("https") => Ok(url),
            Some("http") if is_loopback(authority.host()) => Ok(url),
            Some("http") => Err(AddressError::Plain),
            _ => Err(AddressError::Form),
        }
    }

    /// The least time between two fetches.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.every.min(PAUSE)
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Why text is no address to read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is no URL.
    #[error("not an `https:` URL")]
    Form,
    /// Anyone on the way could change what is read.
    #[error("plain HTTP is read from this machine's loopback alone")]
    Plain,
    /// It names a user.
    #[error("a URL with a user or a password in it")]
    User,
}

/// Why an edition is not taken.
pub type Unfit = Box<dyn std::error::Error + Send + Sync>;

/// Reads an edition, given the one before.
type Reader<T> = Box<dyn Fn(&str, Option<&T>) -> Result<T, Unfit> + Send + Sync>;

/// One published thing, as readers see it.
pub struct Published<T> {
    address: Address,
    what: &'static str,
    read: Reader<T>,
    edition: ArcSwapOption<Edition<T>>,
    number: AtomicU64,
    /// When the edition was last read at its address, in seconds since 1970.
    confirmed: AtomicI64,
    wanted: Notify,
    attempts: watch::Sender<u64>,
    next: Mutex<Option<Instant>>,
    waiting: Semaphore,
}

struct Edition<T> {
    value: Arc<T>,
    text: Box<str>,
}

impl<T> Published<T> {
    /// Nothing yet of what `read` understands; `what` names it in the log.
    pub fn new(
        address: Address,
        what: &'static str,
        read: impl Fn(&str, Option<&T>) -> Result<T, Unfit> + Send + Sync + 'static,
    ) -> Self {
        Self {
            address,
            what,
            read: Box::new(read),
            edition: ArcSwapOption::empty(),
            number: AtomicU64::new(0),
            confirmed: AtomicI64::new(i64::MIN),
            wanted: Notify::new(),
            attempts: watch::Sender::new(0),
            next: Mutex::new(None),
            waiting: Semaphore::new(WAITING),
        }
    }

    /// The last good edition; none where there never was one or it is too old.
    #[must_use]
    pub fn current(&self, now: Timestamp) -> Option<Arc<T>> {
        if !self.is_fresh(now) {
            return None;
        }
        let edition = self.edition.load();
        edition.as_ref().map(|edition| Arc::clone(&edition.value))
    }

    /// Whether there is an edition that may still be used.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        let Ok(confirmed) = Timestamp::from_second(self.confirmed.load(Ordering::Acquire)) else {
            return false;
        };
        let age = now.duration_since(confirmed);
        let most = SignedDuration::try_from(self.address.max_age).unwrap_or(SignedDuration::MAX);
        age >= -SKEW && age <= most
    }

    /// How many different editions there were.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// Asks for a fetch, waits for it if one is due, and says whether there is another edition now.
    ///
    /// However many ask, there is at most one fetch in [`Address::pause`].
    pub async fn refreshed(&self) -> bool {
        let before = self.number();
        let mut attempts = self.attempts.subscribe();
        let count = *attempts.borrow_and_update();
        self.wanted.notify_one();
        let Ok(_place) = self.waiting.try_acquire() else {
            return false;
        };
        let next = *self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if next.is_some_and(|next| Instant::now() < next) {
            return self.number() != before;
        }
        let attempt = attempts.wait_for(|latest| *latest > count);
        let _ = tokio::time::timeout(PATIENCE, attempt).await;
        self.number() != before
    }
}

/// One published thing, as whoever fetches it sees it.
pub trait Source: fmt::Debug + Send + Sync {
    /// Where it is.
    fn address(&self) -> &Address;

    /// What it is, in the words of the log.
    fn what(&self) -> &'static str;

    /// Takes the text that was read at `now`, and says whether it differs from what there was.
    ///
    /// # Errors
    /// Refuses what can't be read; the edition that there was stays.
    fn take(&self, text: &str, now: Timestamp) -> Result<bool, Unfit>;

    /// The text of the edition and when it was last read.
    fn last(&self) -> Option<(Box<str>, Timestamp)>;

    /// Completes when somebody misses something in the edition.
    fn wanted(&self) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// A fetch has ended, however.
    fn attempted(&self);
}

impl<T: Send + Sync> Source for Published<T> {
    fn address(&self) -> &Address {
        &self.address
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn take(&self, text: &str, now: Timestamp) -> Result<bool, Unfit> {
        let known = self.edition.load_full();
        let is_new = known.as_ref().is_none_or(|known| &*known.text != text);
        if is_new {
            let before = known.as_ref().map(|known| &*known.value);
            let value = Arc::new((self.read)(text, before)?);
            let text = text.into();
            self.edition.store(Some(Arc::new(Edition { value, text })));
            self.number.fetch_add(1, Ordering::AcqRel);
        }
        self.confirmed.store(now.as_second(), Ordering::Release);
        Ok(is_new)
    }

    fn last(&self) -> Option<(Box<str>, Timestamp)> {
        let edition = self.edition.load_full()?;
        let confirmed = Timestamp::from_second(self.confirmed.load(Ordering::Acquire)).ok()?;
        Some((edition.text.clone(), confirmed))
    }

    fn wanted(&self) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.wanted.notified())
    }

    fn attempted(&self) {
        let next = Instant::now() + self.address.pause();
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
        self.attempts.send_modify(|count| *count += 1);
    }
}

impl<T> fmt::Debug for Published<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published")
            .field("what", &self.what)
            .field("url", &self.address.url)
            .field("number", &self.number())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};

    use super::{Address, AddressError, Published, Source as _, WAITING};

    fn published() -> Published<u32> {
        let address = Address {
            url: Address::url("https://id.example/n").unwrap(),
            ca: None,
            every: Duration::from_secs(60),
            max_age: Duration::from_secs(600),
        };
        Published::new(address, "number", |text, _| Ok(text.parse()?))
    }

    #[test]
    fn keeps_the_last_good_edition_until_its_age() {
        let published = published();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let after = |seconds| now + SignedDuration::from_secs(seconds);
        assert!(published.current(now).is_none());
        assert!(published.take("1", now).unwrap());
        assert!(!published.take("1", after(10)).unwrap());
        published.take("none", after(20)).unwrap_err();
        assert_eq!(published.current(after(610)).as_deref(), Some(&1));
        assert!(published.current(after(611)).is_none());
        // A clock that was set back says nothing about the age.
        assert!(published.current(after(-51)).is_none());
        assert!(published.take("2", after(700)).unwrap());
        assert_eq!(published.current(after(700)).as_deref(), Some(&2));
        assert_eq!(published.number(), 2);
    }

    #[test]
    fn refuses_addresses_that_others_could_change() {
        for (text, error) in [
            ("https://id.example/jwks.json", None),
            ("http://127.0.0.1:8000/jwks", None),
            ("http://[::1]/jwks", None),
            ("http://localhost/jwks", None),
            ("http://id.example/jwks", Some(AddressError::Plain)),
            ("http://127.0.0.1.evil.example/", Some(AddressError::Plain)),
            ("https://u:p@id.example/", Some(AddressError::User)),
            ("https://id.example/#x", Some(AddressError::Form)),
            ("file:///etc/passwd", Some(AddressError::Form)),
            ("id.example", Some(AddressError::Form)),
            ("https://id.example/a b", Some(AddressError::Form)),
        ] {
            assert_eq!(Address::url(text).err(), error, "{text}");
        }
    }

    #[tokio::test]
    async fn asks_once_however_many_miss_something() {
        let published = published();
        let fetch = async {
            published.wanted().await;
            tokio::task::yield_now().await;
            published.take("1", Timestamp::now()).unwrap();
            published.attempted();
        };
        let ((), is_new) = tokio::join!(fetch, published.refreshed());
        assert!(is_new);
        // Within the pause nobody waits; all who ask are one wish.
        for _ in 0..WAITING * 2 {
            assert!(!published.refreshed().await);
        }
        published.wanted().await;
        let again = tokio::time::timeout(Duration::from_millis(1), published.wanted());
        assert!(again.await.is_err());
    }
}
