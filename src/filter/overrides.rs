//! A request's body with a guard: a form field by which apps take another method than the request's own ends it.
//!
//! The guard stands on every route and in both modes: like a dot segment, such a field makes the request one
//! that can be read in two ways. It holds nothing back and looks at names alone.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body::{Body, Frame, SizeHint};
use mime::Mime;
use percent_encoding::percent_decode;

use crate::filter::body::FilterError;
use crate::filter::multipart::{Boundary, Event, Head, Splitter};
use crate::types::{ReasonCode, Refusal, parameter};

type BoxError = Box<dyn Error + Send + Sync>;

/// The longest name that is looked at, as it stands in the body.
const NAME: usize = 1 << 10;

/// How an app would read fields out of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fields {
    /// As `application/x-www-form-urlencoded`, which some take a body for that has no type.
    Pairs,
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
        let mut types = headers.get_all(CONTENT_TYPE).iter();
        let (Some(first), second) = (types.next(), types.next()) else {
            return Ok(Some(Self::Pairs));
        };
        let media = first
            .to_str()
            .ok()
            .and_then(|text| text.trim().parse::<Mime>().ok());
        let is_form = |text: &[u8]| {
            let text = text.to_ascii_lowercase();
            let holds = |word: &[u8]| memchr::memmem::find(&text, word).is_some();
            holds(b"urlencoded") || holds(b"multipart")
        };
        if !headers
            .get_all(CONTENT_TYPE)
            .iter()
            .any(|value| is_form(value.as_bytes()))
        {
            return Ok(None);
        }
        let (Some(media), None) = (media, second) else {
            return Err(unreadable("it has no single content type"));
        };
        let is_coded = headers.get_all(CONTENT_ENCODING).iter().any(|value| {
            !value.as_bytes().is_empty() && !value.as_bytes().eq_ignore_ascii_case(b"identity")
        });
        if is_coded {
            return Err(unreadable("it is a form with a content coding"));
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

/// A body whose fields are looked at as it passes.
#[derive(Debug)]
pub(super) struct Guarded<B> {
    inner: B,
    guard: Option<Guard>,
}

#[derive(Debug)]
enum Guard {
    Pairs(Pairs),
    Parts(Box<Splitter>),
}

impl<B> Guarded<B> {
    pub(super) fn new(inner: B, fields: Option<&Fields>) -> Self {
        let guard = fields.map(|fields| match fields {
            Fields::Pairs => Guard::Pairs(Pairs::default()),
            Fields::Parts(boundary) => Guard::Parts(Box::new(Splitter::new(boundary))),
        });
        Self { inner, guard }
    }
}

impl Guard {
    fn look(&mut self, data: &[u8]) -> Result<(), Refusal> {
        match self {
            Self::Pairs(pairs) => pairs.look(data),
            Self::Parts(splitter) => splitter.write(data, &mut |event| match event {
                Event::Head(head) => check(Head::read(head)?.name().unwrap_or_default().as_bytes()),
                Event::Frame(_) | Event::Data(_) | Event::End => Ok(()),
            }),
        }
    }
}

/// Reads the names of pairs, ended at `&` or, as older frameworks do, at `;`.
#[derive(Debug, Default)]
struct Pairs {
    name: Vec<u8>,
    /// The name has ended, or is none that matters.
    is_over: bool,
}

impl Pairs {
    fn look(&mut self, data: &[u8]) -> Result<(), Refusal> {
        for byte in data {
            match byte {
                b'&' | b';' => {
                    self.name.clear();
                    self.is_over = false;
                }
                _ if self.is_over => {}
                b'=' => {
                    self.is_over = true;
                    check(&decoded(&self.name))?;
                }
                byte => {
                    self.name.push(*byte);
                    self.is_over = self.name.len() > NAME;
                    // White space before a name counts for nothing, however much there is.
                    if self.is_over && decoded(&self.name).trim_ascii().is_empty() {
                        self.name.clear();
                        self.is_over = false;
                    }
                }
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

fn check(name: &[u8]) -> Result<(), Refusal> {
    if parameter::names_method(&String::from_utf8_lossy(name)) {
        let detail = "a form field names another method";
        return Err(Refusal::new(ReasonCode::AmbiguousRequest).because(detail));
    }
    Ok(())
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
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        let frame = frame.map(|frame| frame.map_err(Into::into));
        if let (Some(Ok(frame)), Some(guard)) = (&frame, &mut self.guard)
            && let Some(data) = frame.data_ref()
            && let Err(refusal) = guard.look(data)
        {
            return Poll::Ready(Some(Err(FilterError::from(refusal).into())));
        }
        Poll::Ready(frame)
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
