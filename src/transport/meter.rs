//! What a downstream connection is doing, so that idle and slow ones can be ended: books that its
//! byte stream and its exchanges keep and that the connection's watchman reads.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

/// Exchanges that a client may give up on one connection before it is looked at who gave up more than
/// it took.
const GIVEN_UP: usize = 200;

/// Who is at the other end of a connection, and whom it wanted to reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// The SHA-256 hash of the certificate (DER) that it has proven to be its own.
    pub certificate: Option<[u8; 32]>,
    /// The name that it asked for when TLS began (RFC 6066 section 3); none without TLS, or where it gave none.
    pub server_name: Option<Arc<str>>,
}

/// The books of one connection. Times are milliseconds since it began, from 1; 0 is "not".
#[derive(Debug)]
pub struct Meter {
    peer: Peer,
    began: Instant,
    in_flight: AtomicUsize,
    is_multiplexed: AtomicBool,
    is_broken: AtomicBool,
    quiet_since: AtomicU64,
    head_since: AtomicU64,
    stuck_since: AtomicU64,
    /// Exchanges in which the client waits for us or for the app.
    working: AtomicUsize,
    /// When an exchange last went forward.
    moved_at: AtomicU64,
    /// Nothing of an answer is on its way: what is written next begins one.
    is_between: AtomicBool,
    is_late: AtomicBool,
    is_switched: AtomicBool,
    /// Exchanges that came to their end, and those that did not.
    ended: AtomicUsize,
    given_up: AtomicUsize,
}

impl Meter {
    /// The books of a connection that begins now.
    #[must_use]
    pub fn new(peer: Peer) -> Arc<Self> {
        Arc::new(Self {
            peer,
            began: Instant::now(),
            in_flight: AtomicUsize::new(0),
            is_multiplexed: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
            quiet_since: AtomicU64::new(1),
            head_since: AtomicU64::new(0),
            stuck_since: AtomicU64::new(0),
            working: AtomicUsize::new(0),
            moved_at: AtomicU64::new(1),
            is_between: AtomicBool::new(true),
            is_late: AtomicBool::new(false),
            is_switched: AtomicBool::new(false),
            ended: AtomicUsize::new(0),
            given_up: AtomicUsize::new(0),
        })
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.peer.clone()
    }

    /// An exchange begins; it lasts until the guard is dropped.
    pub fn begin(self: &Arc<Self>, is_multiplexed: bool) -> Busy {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        self.head_since.store(0, Ordering::Release);
        self.is_multiplexed.store(is_multiplexed, Ordering::Release);
        self.is_between.store(false, Ordering::Release);
        self.working.fetch_add(1, Ordering::AcqRel);
        Busy {
            meter: Arc::clone(self),
            is_working: true,
            is_ended: false,
        }
    }

    /// Whether the client asks mostly to give up at once, which costs us more than it costs the client:
    /// over so many `times` the first limit.
    pub(super) fn is_flooded(&self, times: usize) -> bool {
        let given_up = self.given_up.load(Ordering::Acquire);
        given_up >= GIVEN_UP * times && given_up > self.ended.load(Ordering::Acquire)
    }

    /// Whether no exchange runs and nothing waits to be taken by the client.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) == 0 && self.stuck_since.load(Ordering::Acquire) == 0
    }

    /// Whether the client has used up its time: to send a head, to send another, or to take what it is sent.
    #[must_use]
    pub fn is_overdue(&self, head_time: Duration, idle: Duration) -> bool {
        let stuck = self.age(&self.stuck_since);
        if stuck.is_some_and(|age| age > idle) {
            return true;
        }
        if self.in_flight.load(Ordering::Acquire) > 0 {
            // HTTP/2 has windows of its own: answers may wait for the client while the socket is free.
            return self.is_multiplexed.load(Ordering::Acquire)
                && self.working.load(Ordering::Acquire) == 0
                && self.age(&self.moved_at).is_some_and(|age| age > idle);
        }
        match self.age(&self.head_since) {
            Some(age) => age > head_time,
            None => self.age(&self.quiet_since).is_some_and(|age| age > idle),
        }
    }

    /// Gives up on the head that is on its way; false when there is none, or it was given up before.
    pub(super) fn give_up_head(&self) -> bool {
        self.is_quiet()
            && self.head_since.load(Ordering::Acquire) != 0
            && !self.is_late.swap(true, Ordering::AcqRel)
    }

    /// Whether the head that is on its way was given up.
    pub(super) fn is_late(&self) -> bool {
        self.is_late.load(Ordering::Acquire)
    }

    /// The connection carries no further request: it speaks another protocol behind the answer that is on its way.
    pub fn switches(&self) {
        self.is_switched.store(true, Ordering::Release);
    }

    /// Whether the connection speaks another protocol.
    pub(super) fn is_switched(&self) -> bool {
        self.is_switched.load(Ordering::Acquire)
    }

    /// Whether nothing of an answer is on its way.
    pub(super) fn is_between(&self) -> bool {
        self.is_between.load(Ordering::Acquire)
    }

    pub(super) fn is_multiplexed(&self) -> bool {
        self.is_multiplexed.load(Ordering::Acquire)
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Acquire)
    }

    fn age(&self, since: &AtomicU64) -> Option<Duration> {
        match since.load(Ordering::Acquire) {
            0 => None,
            since => Some(Duration::from_millis(self.now().saturating_sub(since))),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).map_or(u64::MAX, |now| now + 1)
    }

    pub(super) fn has_read(&self) {
        let is_head = self.in_flight.load(Ordering::Acquire) == 0
            && !self.is_multiplexed.load(Ordering::Acquire)
            && self.head_since.load(Ordering::Acquire) == 0;
        if is_head {
            self.head_since.store(self.now(), Ordering::Release);
        }
    }

    pub(super) fn has_flushed(&self) {
        if self.in_flight.load(Ordering::Acquire) == 0 {
            self.is_between.store(true, Ordering::Release);
        }
    }

    fn moves(&self) {
        self.moved_at.store(self.now(), Ordering::Release);
    }

    pub(super) fn has_written(&self, outcome: &Poll<io::Result<usize>>) {
        // Less than this are words about the connection, which clients can ask for without end.
        if matches!(outcome, Poll::Ready(Ok(written)) if *written >= 128) {
            self.moves();
        }
        let was_stuck = self.stuck_since.load(Ordering::Acquire) != 0;
        if outcome.is_pending() && !was_stuck {
            self.stuck_since.store(self.now(), Ordering::Release);
        } else if outcome.is_ready() && was_stuck {
            self.stuck_since.store(0, Ordering::Release);
        }
    }
}

/// An exchange that runs on a connection.
#[derive(Debug)]
pub struct Busy {
    meter: Arc<Meter>,
    is_working: bool,
    is_ended: bool,
}

impl Busy {
    /// The answer broke off. An HTTP/1 connection ends with a reset then: closed cleanly, an answer
    /// without a length (HTTP/1.0) would look whole.
    pub fn breaks(&self) {
        self.meter.is_broken.store(true, Ordering::Release);
    }

    /// The answer came to its end, whichever.
    pub fn ends(&mut self) {
        self.is_ended = true;
    }

    /// Whose turn it is: the client's, to take what it is sent, or ours.
    pub fn waits_for_client(&mut self, is_clients: bool) {
        if is_clients {
            self.meter.moves();
        }
        if self.is_working == is_clients {
            self.is_working = !is_clients;
            if is_clients {
                self.meter.working.fetch_sub(1, Ordering::AcqRel);
            } else {
                self.meter.working.fetch_add(1, Ordering::AcqRel);
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.breaks();
        }
        self.waits_for_client(true);
        let meter = &self.meter;
        let count = match self.is_ended {
            true => &meter.ended,
            false => &meter.given_up,
        };
        count.fetch_add(1, Ordering::AcqRel);
        meter.quiet_since.store(meter.now(), Ordering::Release);
        meter.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    const PEER: super::Peer = super::Peer {
        address: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        certificate: None,
        server_name: None,
    };

    use std::task::Poll;
    use std::time::Duration;

    use super::{GIVEN_UP, Meter};

    const NONE: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(3600);

    fn pass() {
        std::thread::sleep(Duration::from_millis(3));
    }

    #[test]
    fn tells_slow_heads_from_idle_connections() {
        let meter = Meter::new(PEER);
        pass();
        assert!(meter.is_overdue(LONG, NONE) && !meter.is_overdue(NONE, LONG));
        meter.has_read();
        pass();
        assert!(meter.is_overdue(NONE, LONG) && !meter.is_overdue(LONG, NONE));
        let busy = meter.begin(false);
        assert!(!meter.is_overdue(NONE, NONE) && !meter.is_quiet());
        drop(busy);
        pass();
        assert!(meter.is_overdue(NONE, NONE) && meter.is_quiet());
    }

    #[test]
    fn sees_clients_that_take_nothing() {
        let meter = Meter::new(PEER);
        let _busy = meter.begin(true);
        meter.has_written(&Poll::Pending);
        pass();
        assert!(meter.is_overdue(LONG, NONE));
        meter.has_written(&Poll::Ready(Ok(1)));
        assert!(!meter.is_overdue(LONG, NONE));
    }

    #[test]
    fn sees_clients_whose_windows_stay_shut() {
        let meter = Meter::new(PEER);
        let mut busy = meter.begin(true);
        pass();
        assert!(!meter.is_overdue(NONE, NONE), "the app's turn");
        busy.waits_for_client(true);
        meter.has_written(&Poll::Ready(Ok(17)));
        pass();
        assert!(meter.is_overdue(LONG, NONE) && !meter.is_overdue(LONG, LONG));
        busy.waits_for_client(false);
        assert!(!meter.is_overdue(LONG, NONE));
    }

    #[test]
    fn sees_clients_that_ask_to_give_up() {
        let meter = Meter::new(PEER);
        let ask = |is_ended: bool| {
            let mut busy = meter.begin(true);
            if is_ended {
                busy.ends();
            }
        };
        (0..GIVEN_UP).for_each(|_| ask(true));
        (1..GIVEN_UP).for_each(|_| ask(false));
        assert!(!meter.is_flooded(1));
        ask(false);
        assert!(!meter.is_flooded(1), "as many as it took");
        ask(false);
        assert!(meter.is_flooded(1) && !meter.is_flooded(2));
    }

    #[test]
    fn tells_the_start_of_an_answer_from_its_middle() {
        let meter = Meter::new(PEER);
        let is_between = || meter.is_between();
        assert!(is_between());
        let busy = meter.begin(false);
        meter.has_flushed();
        assert!(!is_between());
        drop(busy);
        assert!(!is_between(), "its last bytes have not left");
        meter.has_flushed();
        assert!(is_between());
    }
}
