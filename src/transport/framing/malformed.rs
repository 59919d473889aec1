//! What is wrong with a message: constant words, never a byte of it.

/// Why a message is not taken for one (RFC 9110, RFC 9112).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// RFC 9112 section 3.2.2.
    #[error("the target and `Host` name two hosts")]
    Authority,
    /// RFC 9112 section 2.2.
    #[error("a carriage return stands alone")]
    BareCr,
    /// RFC 9112 section 2.2.
    #[error("a line ends without a carriage return")]
    BareLf,
    /// RFC 9112 section 2.2: one empty line may come before a request.
    #[error("empty lines stand before the request")]
    BlankLines,
    /// RFC 9110 sections 9.3.6, 15.2, 15.3.5.
    #[error("a body is announced where there can be none")]
    Bodiless,
    /// RFC 9112 section 7.1.
    #[error("the bytes of a chunk are not followed by a line's end")]
    ChunkEnd,
    /// RFC 9112 section 7.1.1.
    #[error("a chunk's extension is malformed or too long")]
    ChunkExtension,
    /// RFC 9112 section 7.1.
    #[error("a chunk's size is not a plain hexadecimal number")]
    ChunkSize,
    /// RFC 9112 section 6.1.
    #[error("the body has another transfer coding than `chunked`")]
    Coding,
    /// RFC 9112 section 6.1.
    #[error("HTTP/1.0 knows no transfer coding")]
    CodingInOldVersion,
    /// RFC 9112 section 8.
    #[error("the head breaks off")]
    Cut,
    /// RFC 9110 section 5.5.
    #[error("a control character stands in the head")]
    Control,
    /// RFC 9112 section 3.
    #[error("the target's form does not fit the method")]
    Form,
    /// RFC 9112 section 5.2.
    #[error("a field goes on over a line's end or begins with whitespace")]
    Fold,
    /// An app server may fold it into another field that frames the message.
    #[error("a field's name can be taken for another's that frames the message")]
    FoldedName,
    /// More bytes than the limit.
    #[error("the head is larger than the limit")]
    HeadTooLarge,
    /// RFC 9112 section 3.2.
    #[error("`Host` names no host")]
    Host,
    /// RFC 9112 section 3.2.
    #[error("`Host` is missing")]
    HostMissing,
    /// RFC 9112 section 3.2.
    #[error("`Host` stands twice")]
    HostTwice,
    /// More 1xx answers than anybody has a use for.
    #[error("too many interim answers")]
    Interim,
    /// Not refused by a reader, but by the connection's watchman.
    #[error("the head did not arrive in time")]
    Late,
    /// RFC 9110 section 8.6.
    #[error("`Content-Length` is not a plain number")]
    Length,
    /// RFC 9110 section 8.6.
    #[error("`Content-Length` stands twice")]
    LengthTwice,
    /// RFC 9112 section 6.3.
    #[error("the body has two lengths")]
    Lengths,
    /// RFC 9110 section 9.1.
    #[error("the method holds what no method may")]
    Method,
    /// RFC 9112 section 5.1.
    #[error("a field's name is empty, or holds what no name may")]
    Name,
    /// RFC 9112 section 5.
    #[error("a line of the head is no field")]
    NoField,
    /// RFC 9112 section 3.
    #[error("the first line is not method, target and version with one space between them")]
    RequestLine,
    /// RFC 9112 section 9.3: a message that nobody asked for.
    #[error("bytes came that answer no request")]
    Spare,
    /// RFC 9112 section 4.
    #[error("the first line is not version, status and reason")]
    StatusLine,
    /// RFC 9112 section 3.2.
    #[error("the target holds what no target may")]
    Target,
    /// RFC 9110 section 15.5.15.
    #[error("the target is longer than the limit")]
    TargetTooLong,
    /// More fields than the limit.
    #[error("the head has more fields than the limit")]
    TooManyFields,
    /// RFC 9110 section 6.5.1.
    #[error("a field stands after the body that may not stand there")]
    Trailer,
    /// hyper could not read what these readers let pass.
    #[error("it is not valid HTTP")]
    Unreadable,
    /// RFC 9112 section 2.3.
    #[error("the first line names no version of HTTP")]
    Version,
    /// RFC 9110 section 15.6.6.
    #[error("this version of HTTP is not spoken here")]
    VersionUnsupported,
}

impl Malformed {
    /// The one that `error` was made of, or its cause.
    #[must_use]
    pub fn of<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            let io = error.downcast_ref::<std::io::Error>();
            let found = io.and_then(std::io::Error::get_ref);
            if let Some(found) = found.and_then(|found| found.downcast_ref::<Self>()) {
                return Some(*found);
            }
            next = error.source();
        }
        None
    }
}

impl From<Malformed> for std::io::Error {
    fn from(malformed: Malformed) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, malformed)
    }
}
