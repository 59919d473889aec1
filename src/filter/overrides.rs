//! Parameters and form fields by which apps take another method than the request's own.
//!
//! They may name a method for which the policy decides just the same; any other makes the request one that can be
//! read in two ways, on every route and in both modes, like a dot segment. Of a body, names and those values are
//! looked at as it passes. A request inside of a body, of which batches are made, is one that no route was asked about.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use http_body::{Body, Frame, SizeHint};
use mime::Mime;
use percent_encoding::percent_decode;

use crate::filter::body::FilterError;
use crate::filter::multipart::{Boundary, Event, Head, Splitter, is_http};
use crate::types::{ReasonCode, Refusal, Target, parameter};

type BoxError = Box<dyn Error + Send + Sync>;

/// The longest name that is looked at, as it stands in the body.
const NAME: usize = 1 << 10;

/// No method that is taken from a form is longer.
const METHOD: usize = 16;

/// How an app would read fields out of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fields {
    /// As `application/x-www-form-urlencoded`.
    Pairs,
    /// As the same, for which some take a body that has no type; most such bodies are none.
    Untyped,
    /// As the parts of a `multipart/*` body.
    Parts(Boundary),
}

impl Fields {
    /// How a message's fields are read; none where its type is no form.
    ///
    /// # Errors
    /// Refuses forms whose fields can't be read in one way.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let unreadable = |detail: &str| Refusal::new(ReasonCode::RequestUnreadable).because(detail);
        // An empty type is none.
        let is_empty = |value: &HeaderValue| value.as_bytes().trim_ascii().is_empty();
        let all = headers.get_all(CONTENT_TYPE);
        let mut types = all.iter().filter(|value| !is_empty(value));
        let is_coded = headers.get_all(CONTENT_ENCODING).iter().any(|value| {
            !value.as_bytes().is_empty() && !value.as_bytes().eq_ignore_ascii_case(b"identity")
        });
        let coded = || unreadable("it is a form with a content coding");
        let (Some(first), second) = (types.next(), types.next()) else {
            return if is_coded {
                Err(coded())
            } else {
                Ok(Some(Self::Untyped))
            };
        };
        if headers
            .get_all(CONTENT_TYPE)
            .iter()
            .any(|value| is_http(value.as_bytes()))
        {
            return Err(another("its body is a request of its own"));
        }
        let media = first
            .to_str()
            .ok()
            .and_then(|text| text.trim().parse::<Mime>().ok());
        let is_form = |text: &[u8]| {
            let text = text.to_ascii_lowercase();
            let holds = |word: &[u8]| memchr::memmem::find(&text, word).is_some();
            holds(b"urlencoded") || holds(b"multipart")
        };
        let has_empty = all.iter().any(is_empty);
        if !has_empty && !all.iter().any(|value| is_form(value.as_bytes())) {
            return Ok(None);
        }
        let (Some(media), None, false) = (media, second, has_empty) else {
            return Err(unreadable("it has no single content type"));
        };
        if is_coded {
            return Err(coded());
        }
        if media.type_() == mime::MULTIPART {
            let boundary = Boundary::of(&media);
            let boundary =
                boundary.ok_or_else(|| unreadable("its parts have no single boundary"))?;
            return Ok(Some(Self::Parts(boundary)));
        }
        let charset = media.get_param(mime::CHARSET);
        if charset.is_some_and(|charset| !charset.as_str().eq_ignore_ascii_case("utf-8")) {
            return Err(unreadable("it is a form that is not in UTF-8"));
        }
        Ok(Some(Self::Pairs))
    }
}

/// Whether a parameter of the query names a method, or a field of the body might.
#[must_use]
pub fn may_name_method(target: &Target, headers: &HeaderMap, has_body: bool) -> bool {
    named(target).next().is_some() || (has_body && !matches!(Fields::of(headers), Ok(None)))
}

/// The methods that parameters of the query name, in both readings of it.
fn named(target: &Target) -> impl Iterator<Item = &str> {
    let sent = target.query().iter().chain(target.split_query());
    sent.filter(|(name, _)| parameter::names_method(name))
        .map(|(_, method)| &**method)
}

/// Refuses a query that names another method than one of `methods`.
pub(super) fn check_query(target: &Target, methods: &[Method]) -> Result<(), Refusal> {
    match named(target).all(|method| is_one_of(methods, method.as_bytes())) {
        true => Ok(()),
        false => Err(another("a query parameter names another method")),
    }
}

fn is_one_of(methods: &[Method], text: &[u8]) -> bool {
    let is_named = |method: &Method| method.as_str().as_bytes().eq_ignore_ascii_case(text);
    methods.iter().any(is_named)
}

fn another(detail: &str) -> Refusal {
    Refusal::new(ReasonCode::AmbiguousRequest).because(detail)
}

/// A body whose fields are looked at as it passes.
#[derive(Debug)]
pub(super) struct Guarded<B> {
    inner: B,
    guard: Option<Guard>,
}

/// Looks at the fields of a body.
#[derive(Debug)]
struct Guard {
    methods: Box<[Method]>,
    reader: Reader,
    /// The value so far of a field that names a method.
    value: Option<Vec<u8>>,
    /// The length that the part at hand says it has, and the one it has so far.
    length: (Option<usize>, usize),
}

#[derive(Debug)]
enum Reader {
    Pairs(Pairs),
    Parts(Box<Splitter>),
}

impl<B> Guarded<B> {
    pub(super) fn new(inner: B, fields: Option<&Fields>, methods: &[Method]) -> Self {
        let guard = fields.map(|fields| Guard {
            methods: methods.into(),
            reader: match fields {
                Fields::Pairs => Reader::Pairs(Pairs::new(true)),
                Fields::Untyped => Reader::Pairs(Pairs::new(false)),
                Fields::Parts(boundary) => Reader::Parts(Box::new(Splitter::new(boundary))),
            },
            value: None,
            length: (None, 0),
        });
        Self { inner, guard }
    }
}

impl Guard {
    fn look(&mut self, data: &[u8]) -> Result<(), Refusal> {
        let (methods, value, length) = (&self.methods, &mut self.value, &mut self.length);
        match &mut self.reader {
            Reader::Pairs(pairs) => {
                for byte in data {
                    pairs.look(*byte, methods, value)?;
                }
                Ok(())
            }
            Reader::Parts(splitter) => splitter.write(data, &mut |event| match event {
                Event::Head(head) => {
                    let head = Head::read(head)?;
                    if head.is_request() {
                        return Err(another("a part of it is a request of its own"));
                    }
                    *length = (head.length()?, 0);
                    let names_method = head.name().is_some_and(|name| {
                        let decoded = percent_decode(name.as_bytes()).decode_utf8_lossy();
                        parameter::names_method(name) || parameter::names_method(&decoded)
                    });
                    *value = names_method.then(Vec::new);
                    Ok(())
                }
                Event::Data(data) => {
                    length.1 += data.len();
                    value.as_mut().map_or(Ok(()), |value| more(value, data))
                }
                Event::End if length.0.is_some_and(|said| said != length.1) => {
                    Err(Refusal::new(ReasonCode::RequestMalformed)
                        .because("a part has another length than it says"))
                }
                Event::End => check(methods, value.take()),
                Event::Frame(_) => Ok(()),
            }),
        }
    }

    /// The body has ended: so has its last field.
    fn finish(&mut self) -> Result<(), Refusal> {
        check(&self.methods, self.value.take())
    }
}

/// Reads pairs, ended at `&` or, as older frameworks do, at `;`.
#[derive(Debug)]
struct Pairs {
    name: Vec<u8>,
    /// The name has ended.
    is_over: bool,
    /// The name goes on behind what is looked at.
    is_long: bool,
    /// The body's type says that these are pairs.
    is_form: bool,
}

impl Pairs {
    fn new(is_form: bool) -> Self {
        Self {
            name: Vec::new(),
            is_over: false,
            is_long: false,
            is_form,
        }
    }

    /// Whether the name that has ended is one of a method.
    ///
    /// # Errors
    /// Refuses names of a form that readers may end or decode in two ways. A body without a type is mostly no form
    /// at all, so there it only counts what stands at the name's beginning.
    fn names_method(&self) -> Result<bool, Refusal> {
        let name = decoded(&self.name);
        let is_unclear = self.is_long || name.contains(&0) || is_broken(&self.name);
        if self.is_form && is_unclear {
            return Err(another("the name of a form field can be read in two ways"));
        }
        let name = String::from_utf8_lossy(&name);
        Ok(parameter::names_method(&name) || parameter::names_method(&wide(&name)))
    }

    fn look(
        &mut self,
        byte: u8,
        methods: &[Method],
        value: &mut Option<Vec<u8>>,
    ) -> Result<(), Refusal> {
        match byte {
            b'&' | b';' => {
                check(methods, value.take())?;
                self.name.clear();
                (self.is_over, self.is_long) = (false, false);
            }
            byte if self.is_over => {
                if let Some(value) = value {
                    more(value, &[byte])?;
                }
            }
            b'=' => {
                self.is_over = true;
                *value = self.names_method()?.then(Vec::new);
            }
            _ if self.is_long => {}
            byte => {
                self.name.push(byte);
                if self.name.len() > NAME {
                    // What stands before a name counts for nothing, however much there is.
                    skip(&mut self.name, |byte| {
                        byte.is_ascii_whitespace() || byte == 0xb
                    });
                }
                if self.name.len() > NAME {
                    skip(&mut self.name, |byte| {
                        byte.is_ascii_whitespace() || matches!(byte, 0xb | b'[' | b']')
                    });
                }
                self.is_long = self.name.len() > NAME;
            }
        }
        Ok(())
    }
}

fn decoded(name: &[u8]) -> Vec<u8> {
    let space = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
    let spaced: Vec<u8> = name.iter().map(space).collect();
    percent_decode(&spaced).collect()
}

/// Takes away what stands in front of a name, escaped or not; half an escape stays.
fn skip(name: &mut Vec<u8>, is_skipped: impl Fn(u8) -> bool) {
    let mut rest = name.as_slice();
    loop {
        let length = if rest.first() == Some(&b'%') { 3 } else { 1 };
        let Some((first, behind)) = rest.split_at_checked(length) else {
            break;
        };
        match decoded(first).as_slice() {
            [byte] if is_skipped(*byte) => rest = behind,
            _ => break,
        }
    }
    *name = rest.to_vec();
}

/// Whether a `%` stands in it that begins no escape.
fn is_broken(name: &[u8]) -> bool {
    memchr::memchr_iter(b'%', name).any(|at| {
        let digits = name.get(at + 1..at + 3).unwrap_or_default();
        digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit)
    })
}

/// `%uXXXX` undone, as some servers do it.
fn wide(name: &str) -> String {
    let mut text = String::new();
    let mut rest = name;
    while let Some((before, behind)) = rest.split_once('%') {
        text.push_str(before);
        let digits = behind
            .strip_prefix(['u', 'U'])
            .and_then(|text| text.get(..4));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if let Some(letter) = code.and_then(char::from_u32) {
            text.push(letter);
            rest = behind.get(5..).unwrap_or_default();
        } else {
            text.push('%');
            rest = behind;
        }
    }
    text + rest
}

/// Takes more of a value; no method is as long as `METHOD`.
fn more(value: &mut Vec<u8>, data: &[u8]) -> Result<(), Refusal> {
    if value.len() + data.len() > METHOD {
        return Err(another("a form field names another method"));
    }
    value.extend_from_slice(data);
    Ok(())
}

/// Refuses the value of a field that names a method other than one of `methods`. Escapes count as they stand: no
/// client needs one in a method.
fn check(methods: &[Method], value: Option<Vec<u8>>) -> Result<(), Refusal> {
    match value {
        Some(value) if !is_one_of(methods, &value) => {
            Err(another("a form field names another method"))
        }
        _ => Ok(()),
    }
}

impl<B> Body for Guarded<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        let frame = frame.map(|frame| frame.map_err(Into::into));
        let Some(guard) = &mut this.guard else {
            return Poll::Ready(frame);
        };
        let looked = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(Ok(()), |data| guard.look(data)),
            Some(Err(_)) => Ok(()),
            None => guard.finish(),
        };
        let is_last = this.inner.is_end_stream() || this.inner.size_hint().exact() == Some(0);
        let looked = looked.and_then(|()| if is_last { guard.finish() } else { Ok(()) });
        match looked {
            Ok(()) => Poll::Ready(frame),
            Err(refusal) => Poll::Ready(Some(Err(FilterError::from(refusal).into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests;
