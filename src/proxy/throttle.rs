//! How many capabilities and tickets that do not hold one client may send: a bucket for each address, of IPv6 for each /64.
//!
//! The table is bounded. When it is full of clients that fail just now, all others share one bucket.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::types::{ReasonCode, Refusal};

/// Buckets.
const MOST: usize = 16 * 1024;
/// Failures that may come at once, in seconds of the rate.
const BURST: u32 = 10;

/// The books of all clients' failures.
#[derive(Debug)]
pub struct Throttle {
    /// Failures in a second that are borne for long.
    rate: u32,
    most: usize,
    began: Instant,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    /// When each client's bucket will be full again, in milliseconds since the start.
    full_at: HashMap<IpAddr, u64>,
    others: u64,
    swept: u64,
}

impl Throttle {
    /// Bears `rate` failures a second from each client.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        Self::of(rate, MOST)
    }

    fn of(rate: u32, most: usize) -> Self {
        Self {
            rate: rate.max(1),
            most,
            began: Instant::now(),
            books: Mutex::default(),
        }
    }

    /// Whether `client` may have another capability or ticket looked at.
    pub(super) fn may_try(&self, client: IpAddr) -> Result<(), Refusal> {
        self.may_try_at(client, self.now())
    }

    /// A capability or a ticket of `client` did not hold.
    pub(super) fn failed(&self, client: IpAddr) {
        self.failed_at(client, self.now());
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn may_try_at(&self, client: IpAddr, now: u64) -> Result<(), Refusal> {
        let books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let known = books.full_at.get(&network(client)).copied();
        let is_full = books.full_at.len() >= self.most;
        let full_at = known.unwrap_or(if is_full { books.others } else { 0 });
        if full_at.saturating_sub(now) + self.cost() > u64::from(BURST) * 1000 {
            return Err(Refusal::new(ReasonCode::TooManyFailures));
        }
        Ok(())
    }

    fn failed_at(&self, client: IpAddr, now: u64) {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        // Once a second at most: a storm must not make it dear.
        if books.full_at.len() >= self.most && now >= books.swept + 1000 {
            books.swept = now;
            books.full_at.retain(|_, full_at| *full_at > now);
        }
        let client = network(client);
        let has_room = books.full_at.len() < self.most || books.full_at.contains_key(&client);
        let cost = self.cost();
        let full_at = if has_room {
            books.full_at.entry(client).or_default()
        } else {
            &mut books.others
        };
        *full_at = (*full_at).max(now) + cost;
    }

    /// The milliseconds that one failure takes to be forgotten.
    fn cost(&self) -> u64 {
        u64::from((1000 / self.rate).max(1))
    }
}

/// The client, or the IPv6 network that one client has for itself.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::Throttle;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn bears_a_burst_and_then_the_rate() {
        let throttle = Throttle::new(10);
        let client = ip("192.0.2.1");
        for number in 0..100 {
            assert!(throttle.may_try_at(client, 5).is_ok(), "{number}");
            throttle.failed_at(client, 5);
        }
        assert!(throttle.may_try_at(client, 5).is_err());
        assert!(throttle.may_try_at(ip("::ffff:192.0.2.1"), 5).is_err());
        assert!(throttle.may_try_at(ip("192.0.2.2"), 5).is_ok());
        assert!(throttle.may_try_at(client, 105).is_ok());
        throttle.failed_at(client, 105);
        assert!(throttle.may_try_at(client, 105).is_err());
        assert!(throttle.may_try_at(client, 20_000).is_ok());
    }

    #[test]
    fn takes_an_ipv6_network_for_one_client() {
        let throttle = Throttle::new(1);
        for host in 0..10 {
            throttle.failed_at(ip(&format!("2001:db8:1:1::{host:x}")), 1);
        }
        assert!(throttle.may_try_at(ip("2001:db8:1:1:ffff::9"), 1).is_err());
        assert!(throttle.may_try_at(ip("2001:db8:1:2::1"), 1).is_ok());
    }

    #[test]
    fn stays_bounded_and_lets_newcomers_share() {
        let throttle = Throttle::of(1, 50);
        for number in 0..1000_u32 {
            throttle.failed_at(Ipv4Addr::from(number).into(), 1);
        }
        let length = throttle.books.lock().unwrap().full_at.len();
        assert_eq!(length, 50);
        assert!(
            throttle.may_try_at(ip("192.0.2.1"), 1).is_err(),
            "they share"
        );
        assert!(
            throttle.may_try_at(Ipv4Addr::from(3).into(), 1).is_ok(),
            "this one has its own"
        );
        // When those that failed have been quiet, there is room again.
        throttle.failed_at(ip("192.0.2.1"), 5000);
        assert_eq!(throttle.books.lock().unwrap().full_at.len(), 1);
    }
}
