//! The requests of one connection, in the order in which they come.

use super::body::Body;
use super::chunks::Chunks;
use super::fields::{Fields, Framing, is_authority};
use super::line::{Line, is_token};
use super::{Bounds, Malformed, Writer};

/// What an HTTP/2 connection begins with (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A request that is refused, or has been let in and goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport) struct Stop {
    /// Why.
    pub(in crate::transport) malformed: Malformed,
    /// So many of the bytes last looked at come before it.
    pub(in crate::transport) passed: usize,
    /// Where it goes wrong.
    pub(in crate::transport) place: Place,
}

/// Whether anybody has seen a request that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport) enum Place {
    /// Its head is not whole, or nothing of it has been passed on.
    Head,
    /// Its head has been passed on.
    Body,
}

/// Reads requests.
#[derive(Debug)]
pub(in crate::transport) struct Requests {
    bounds: Bounds,
    state: State,
    line: Line,
    room: usize,
    fields: Fields,
    ask: Ask,
}

#[derive(Debug)]
enum State {
    /// So many bytes were those of an HTTP/2 connection.
    Opening(usize),
    Between,
    RequestLine {
        has_blank: bool,
    },
    Fields,
    Body(Body),
    Multiplexed,
}

impl Requests {
    pub(in crate::transport) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            state: State::Opening(0),
            line: Line::default(),
            room: bounds.head,
            fields: Fields::new(Writer::Client),
            ask: Ask::default(),
        }
    }

    /// Looks at the next bytes.
    pub(in crate::transport) fn check(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if let State::Opening(known) = self.state {
            let (before, after) = PREFACE.split_at_checked(known).unwrap_or((PREFACE, &[]));
            let pairs = after.iter().zip(bytes);
            let same = pairs.take_while(|(ours, theirs)| ours == theirs).count();
            if same == after.len() {
                self.state = State::Multiplexed;
            } else if same == bytes.len() {
                self.state = State::Opening(known + same);
                return Ok(());
            } else {
                self.state = State::Between;
                let stop = |stop| Stop { passed: 0, ..stop };
                self.read(before).map_err(stop)?;
            }
        }
        self.read(bytes)
    }

    /// Whether a request has begun that has not come to its end; an empty line before one begins none.
    pub(in crate::transport) fn is_mid_message(&self) -> bool {
        self.is_mid_head() || matches!(self.state, State::Body(_))
    }

    /// No more bytes come.
    pub(in crate::transport) fn end(&self) -> Result<(), Stop> {
        if !self.is_mid_head() {
            return Ok(());
        }
        Err(Stop {
            malformed: Malformed::Cut,
            passed: 0,
            place: Place::Head,
        })
    }

    fn is_mid_head(&self) -> bool {
        match self.state {
            State::RequestLine { .. } => !self.line.is_empty(),
            State::Fields => true,
            _ => false,
        }
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        // Where the request begins that is being read; none when it began before `bytes`.
        let mut began = None;
        let is_body = matches!(self.state, State::Body(_));
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if matches!(self.state, State::Between) {
                began = Some(at);
            }
            at += self.step(rest).map_err(|malformed| Stop {
                malformed,
                passed: began.unwrap_or(0),
                place: match began {
                    None if is_body => Place::Body,
                    _ => Place::Head,
                },
            })?;
        }
        Ok(())
    }

    /// Takes one step in `bytes`, and tells how many of them it took.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        match &mut self.state {
            State::Opening(_) | State::Between => {
                self.room = self.bounds.head;
                self.fields = Fields::new(Writer::Client);
                self.state = State::RequestLine { has_blank: false };
                Ok(0)
            }
            State::RequestLine { has_blank } => {
                let too_long = Malformed::TargetTooLong;
                let Some((line, used)) = self.line.read(bytes, &mut self.room, too_long)? else {
                    return Ok(bytes.len());
                };
                if line.is_empty() {
                    if std::mem::replace(has_blank, true) {
                        return Err(Malformed::BlankLines);
                    }
                    return Ok(used);
                }
                self.ask = Ask::parse(line)?;
                self.state = State::Fields;
                Ok(used)
            }
            State::Fields => {
                let too_long = Malformed::HeadTooLarge;
                let Some((line, used)) = self.line.read(bytes, &mut self.room, too_long)? else {
                    return Ok(bytes.len());
                };
                if line.is_empty() {
                    self.state = self.body()?.map_or(State::Between, State::Body);
                } else {
                    let authority = self.ask.authority.as_deref();
                    self.fields.take(line, self.bounds.fields, authority)?;
                }
                Ok(used)
            }
            State::Body(body) => {
                let (used, is_over) = body.read(bytes)?;
                if is_over {
                    self.state = State::Between;
                }
                Ok(used)
            }
            State::Multiplexed => Ok(bytes.len()),
        }
    }

    /// The body that the head announces, now that the head is whole.
    fn body(&self) -> Result<Option<Body>, Malformed> {
        if !self.ask.is_old && !self.fields.has_host() {
            return Err(Malformed::HostMissing);
        }
        match self.fields.framing(self.ask.is_old)? {
            Some(_) if self.ask.is_connect => Err(Malformed::Bodiless),
            None | Some(Framing::Length(0)) => Ok(None),
            Some(Framing::Length(length)) => Ok(Some(Body::Length(length))),
            Some(Framing::Chunked) => {
                let chunks = Chunks::new(Writer::Client, self.bounds);
                Ok(Some(Body::Chunked(Box::new(chunks))))
            }
        }
    }
}

/// What a request's first line says.
#[derive(Debug, Default)]
struct Ask {
    is_connect: bool,
    is_old: bool,
    authority: Option<Box<[u8]>>,
}

impl Ask {
    fn parse(line: &[u8]) -> Result<Self, Malformed> {
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Malformed::RequestLine);
        };
        if !is_token(method) {
            return Err(Malformed::Method);
        }
        let is_old = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                return Err(Malformed::VersionUnsupported);
            }
            _ => return Err(Malformed::Version),
        };
        // A fragment is never sent, and hyper would cut it off (RFC 9110 section 7.1).
        let may_be_in_target = |byte: &u8| byte.is_ascii_graphic() && *byte != b'#';
        if target.is_empty() || !target.iter().all(may_be_in_target) {
            return Err(Malformed::Target);
        }
        let is_connect = method == b"CONNECT";
        Ok(Self {
            is_connect,
            is_old,
            authority: authority(method, target)?,
        })
    }
}

/// The host that a target names; an error where the method may not have such a target
/// (RFC 9112 section 3.2).
fn authority(method: &[u8], target: &[u8]) -> Result<Option<Box<[u8]>>, Malformed> {
    let is_fit = match (method, target) {
        (b"CONNECT", _) => target.contains(&b':') && is_authority(target),
        (_, [b'/', ..]) => true,
        (_, b"*") => method == b"OPTIONS",
        _ => false,
    };
    if is_fit {
        return Ok(None);
    }
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start
            .eq_ignore_ascii_case(scheme.as_bytes())
            .then_some(rest)
    });
    let rest = rest
        .filter(|_| method != b"CONNECT")
        .ok_or(Malformed::Form)?;
    let end = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    if !is_authority(authority) {
        return Err(Malformed::Authority);
    }
    Ok(Some(authority.into()))
}
