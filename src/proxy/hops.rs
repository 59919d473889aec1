//! The client's address: the connection's own, or what hops that the configuration trusts say of it.
//!
//! It decides nothing but whose failures are counted together: no one is let in by an address.

use std::net::IpAddr;
use std::str::FromStr;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Hops that are looked at, from the nearest.
const MOST: usize = 32;

/// Whose word on the client's address is taken, and how they give it.
#[derive(Clone, Debug, Default)]
pub struct Hops {
    /// The hops; none means that nobody is believed.
    pub trusted: Vec<Network>,
    /// The field that they write.
    pub field: HopField,
}

/// The field in which hops name their clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HopField {
    /// `X-Forwarded-For`
    #[default]
    ForwardedFor,
    /// `Forwarded` (RFC 7239)
    Forwarded,
}

/// An address, or all that begin like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl FromStr for Network {
    type Err = ();

    /// Reads `10.0.0.0/8`, `2001:db8::/32` or an address alone.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= most).ok_or(())?,
        };
        Ok(Self { address, bits })
    }
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        let alike = match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            _ => return false,
        };
        alike >= self.bits
    }
}

impl Hops {
    /// The nearest address that is no trusted hop's: `peer`, or the rightmost one of the field that hops have written.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        let name = match self.field {
            HopField::ForwardedFor => FORWARDED_FOR,
            HopField::Forwarded => FORWARDED,
        };
        let fields: Vec<&str> = headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap_or_default())
            .collect();
        let named = fields.iter().rev().flat_map(|field| field.rsplit(','));
        for part in named.take(MOST) {
            let address = match self.field {
                HopField::ForwardedFor => address(part),
                HopField::Forwarded => forwarded(part),
            };
            // What no hop that we trust would write ends their chain.
            let Some(address) = address else { break };
            client = address.to_canonical();
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|hop| hop.holds(address))
    }
}

/// The address of `for` in one element.
fn forwarded(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, node) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let node = node.trim();
    let node = node
        .strip_prefix('"')
        .map_or(Some(node), |rest| rest.strip_suffix('"'))?;
    address(node)
}

/// An address, with or without brackets and port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_number);
        return address.parse().ok().filter(|_| is_port);
    }
    text.parse().ok().or_else(|| {
        let (address, port) = text.split_once(':')?;
        address.parse().ok().filter(|_| is_number(port))
    })
}

fn is_number(port: &str) -> bool {
    port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{HopField, Hops, Network};

    fn hops(field: HopField) -> Hops {
        let trusted = ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"];
        Hops {
            trusted: trusted.map(|text| text.parse().unwrap()).to_vec(),
            field,
        }
    }

    #[test]
    fn believes_trusted_hops_alone() {
        for (field, name, peer, values, client) in [
            (
                HopField::ForwardedFor,
                "x-forwarded-for",
                "192.0.2.9",
                &["1.2.3.4"][..],
                "192.0.2.9",
            ),
            (
                HopField::ForwardedFor,
                "x-forwarded-for",
                "127.0.0.1",
                &["1.2.3.4"],
                "1.2.3.4",
            ),
            (
                HopField::ForwardedFor,
                "x-forwarded-for",
                "::ffff:127.0.0.1",
                &["1.2.3.4:80"],
                "1.2.3.4",
            ),
            (
                HopField::ForwardedFor,
                "x-forwarded-for",
                "127.0.0.1",
                &["6.6.6.6, 1.2.3.4, 10.1.1.1"],
                "1.2.3.4",
            ),
            (
                HopField::ForwardedFor,
                "x-forwarded-for",
                "127.0.0.1",
                &["6.6.6.6", "1.2.3.4,10.1.1.1"],
                "1.2.3.4",
            ),
            (
                HopField::ForwardedFor,
                "x-forwarded-for",
                "127.0.0.1",
                &["6.6.6.6, nonsense, 10.1.1.1"],
                "10.1.1.1",
            ),
            (
                HopField::ForwardedFor,
                "x-forwarded-for",
                "127.0.0.1",
                &["10.1.1.1"],
                "10.1.1.1",
            ),
            (
                HopField::ForwardedFor,
                "x-forwarded-for",
                "127.0.0.1",
                &[],
                "127.0.0.1",
            ),
            (
                HopField::ForwardedFor,
                "forwarded",
                "127.0.0.1",
                &["for=1.2.3.4"],
                "127.0.0.1",
            ),
            (
                HopField::ForwardedFor,
                "x-forwarded-for",
                "2001:db8::1",
                &["[2a00::5]:9"],
                "2a00::5",
            ),
            (
                HopField::Forwarded,
                "forwarded",
                "127.0.0.1",
                &["for=6.6.6.6, For=\"[2a00::5]:9\";proto=https"],
                "2a00::5",
            ),
            (
                HopField::Forwarded,
                "forwarded",
                "127.0.0.1",
                &["for=1.2.3.4, for=_hidden"],
                "127.0.0.1",
            ),
            (
                HopField::Forwarded,
                "x-forwarded-for",
                "127.0.0.1",
                &["1.2.3.4"],
                "127.0.0.1",
            ),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(name, HeaderValue::from_static(value));
            }
            let found = hops(field).client(peer.parse().unwrap(), &headers);
            assert_eq!(found.to_string(), client, "{peer} {values:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_network() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0",
            "::/129",
            "10.0.0.0/",
            "host",
            "1.2.3.4/-1",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.holds("9.9.9.9".parse().unwrap()) && !all.holds("::1".parse().unwrap()));
    }
}
