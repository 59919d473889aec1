//! One encoding, both ways: bytes become text, and text the same bytes again.

use std::fmt;

use bytes::BytesMut;
use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::declared::malformed;
use super::is_utf16;
use crate::types::{ReasonCode, Refusal};

/// Decodes a body as it comes, and encodes what of it may leave.
pub(super) struct Transcoder {
    encoding: &'static Encoding,
    decoder: Decoder,
    /// Bytes whose text has not come out of the decoder: less than one character.
    open: Vec<u8>,
    /// The beginning of a character that is to leave.
    leaving: Vec<u8>,
    /// Characters of UTF-16 in a row that are two letters of ASCII to whoever does not know.
    packed: Option<usize>,
}

/// So many of them are no accident, where somebody else's records may not pass.
const PACKED: usize = 4;

impl Transcoder {
    /// For a body in `encoding`; `is_ruled` where records are kept back.
    pub(super) fn new(encoding: &'static Encoding, is_ruled: bool) -> Self {
        Self {
            encoding,
            decoder: encoding.new_decoder_without_bom_handling(),
            open: Vec::new(),
            leaving: Vec::new(),
            packed: (is_ruled && is_utf16(encoding)).then_some(0),
        }
    }

    pub(super) fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    pub(super) fn held(&self) -> usize {
        self.open.capacity() + self.leaving.capacity()
    }

    /// The text of the next bytes.
    ///
    /// # Errors
    /// Refuses bytes that are no text in this encoding, or not the ones that the text is written with.
    pub(super) fn decode(&mut self, bytes: &[u8], is_last: bool) -> Result<String, Refusal> {
        let length = self
            .decoder
            .max_utf8_buffer_length_without_replacement(bytes.len())
            .ok_or(Refusal::new(ReasonCode::Internal))?;
        let mut text = String::with_capacity(length);
        let (result, _) = self
            .decoder
            .decode_to_string_without_replacement(bytes, &mut text, is_last);
        match result {
            DecoderResult::InputEmpty => {}
            DecoderResult::Malformed(..) => return Err(malformed("not valid in its charset")),
            DecoderResult::OutputFull => return Err(Refusal::new(ReasonCode::Internal)),
        }
        if text.contains('\0') {
            return Err(malformed("a zero character in a text"));
        }
        self.open.extend_from_slice(bytes);
        let again = encode(self.encoding, &text);
        if !self.open.starts_with(&again) || is_last && self.open.len() != again.len() {
            return Err(malformed(
                "its charset writes the same text with other bytes",
            ));
        }
        self.unpack(&again)?;
        self.open.drain(..again.len());
        Ok(text)
    }

    /// Looks for ASCII in whole characters of UTF-16.
    fn unpack(&mut self, whole: &[u8]) -> Result<(), Refusal> {
        let Some(count) = &mut self.packed else {
            return Ok(());
        };
        let is_letter = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
        for unit in whole.chunks(2) {
            *count = if unit.iter().all(is_letter) {
                *count + 1
            } else {
                0
            };
            if *count == PACKED {
                return Err(malformed(
                    "UTF-16 that reads as ASCII, on a route with an owner rule",
                ));
            }
        }
        Ok(())
    }

    /// Encodes what may leave: text of the body, and what was put into it.
    pub(super) fn encode(&mut self, text: &[u8], out: &mut BytesMut) -> Result<(), Refusal> {
        self.leaving.extend_from_slice(text);
        let (whole, open) = match std::str::from_utf8(&self.leaving) {
            Ok(text) => (text, 0),
            Err(error) if error.error_len().is_none() => {
                let whole = self.leaving.get(..error.valid_up_to()).unwrap_or_default();
                let whole = std::str::from_utf8(whole).unwrap_or_default();
                (whole, self.leaving.len() - whole.len())
            }
            Err(_) => return Err(Refusal::new(ReasonCode::Internal)),
        };
        out.extend_from_slice(&encode(self.encoding, whole));
        self.leaving.drain(..self.leaving.len() - open);
        Ok(())
    }
}

impl fmt::Debug for Transcoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcoder")
            .field("encoding", &self.encoding.name())
            .finish_non_exhaustive()
    }
}

/// `text` in `encoding`; a placeholder's letters that it does not have become `?`.
fn encode(encoding: &'static Encoding, text: &str) -> Vec<u8> {
    if encoding == encoding_rs::UTF_16LE {
        return text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    if encoding == encoding_rs::UTF_16BE {
        return text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    }
    let (bytes, _, has_strange) = encoding.encode(text);
    if !has_strange {
        return bytes.into_owned();
    }
    let mut all = Vec::new();
    for letter in text.chars() {
        let mut buffer = [0; 4];
        match encoding.encode(letter.encode_utf8(&mut buffer)) {
            (bytes, _, false) => all.extend_from_slice(&bytes),
            (_, _, true) => all.push(b'?'),
        }
    }
    all
}
