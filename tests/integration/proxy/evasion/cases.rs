//! The table: what is hidden, where, and what the innocent app sends in its place.

mod codings;
mod drawn;
mod escapes;
mod fields;
mod heads;
mod lines;
mod mail;
mod pages;
mod records;
mod scripts;
mod sheets;
mod strings;
mod tables;
mod types;
mod urls;
mod xml;

use std::io::Write as _;

/// Whose data an answer holds.
#[derive(Clone, Copy)]
pub(super) struct Who {
    pub(super) owner: &'static str,
    pub(super) note: &'static str,
    pub(super) email: &'static str,
}

pub(super) const BOB: Who = Who {
    owner: "bob",
    note: "zq7-secret",
    email: "bob@shop.example",
};
pub(super) const ALICE: Who = Who {
    owner: "alice",
    note: "my-own-note",
    email: "alice@shop.example",
};

/// An answer of the app.
#[derive(Clone)]
pub(super) struct Answer {
    /// Status, reason and fields, without what frames the body.
    pub(super) head: String,
    /// What a client that undoes the codings gets.
    pub(super) plain: Vec<u8>,
    interim: String,
    pieces: Vec<Vec<u8>>,
    trailers: String,
}

impl Answer {
    /// What the app writes, piece by piece.
    pub(super) fn wire(&self, is_head: bool) -> Vec<Vec<u8>> {
        let status = self.head.split(' ').next().unwrap_or_default();
        let mut all = vec![self.interim.clone().into_bytes()];
        let bare = is_head || status == "304" || status == "204";
        let framing = if bare {
            ""
        } else {
            "transfer-encoding: chunked\r\n"
        };
        all.push(format!("HTTP/1.1 {}{framing}\r\n", self.head).into_bytes());
        if bare {
            return all;
        }
        for piece in self.pieces.iter().filter(|piece| !piece.is_empty()) {
            let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
            chunk.extend(piece);
            chunk.extend(b"\r\n");
            all.push(chunk);
        }
        all.push(format!("0\r\n{}\r\n", self.trailers).into_bytes());
        all
    }
}

/// A hostile answer and its innocent twin.
pub(super) struct Case {
    name: String,
    route: &'static str,
    pub(super) method: &'static str,
    /// More fields of the request.
    pub(super) asks: &'static str,
    /// What the head of the twin's answer must hold.
    pub(super) keeps: &'static str,
    pub(super) hostile: Answer,
    pub(super) twin: Answer,
}

impl Case {
    pub(super) fn path(&self, which: &str) -> String {
        format!("/{}/{which}/{}", self.route, self.name)
    }

    pub(super) fn cut(mut self, size: usize) -> Self {
        for answer in [&mut self.hostile, &mut self.twin] {
            let whole = answer.pieces.concat();
            answer.pieces = whole.chunks(size).map(<[u8]>::to_vec).collect();
        }
        self
    }

    /// Both bodies go through codings, the last one outermost.
    pub(super) fn coded(mut self, codings: &[&str]) -> Self {
        for answer in [&mut self.hostile, &mut self.twin] {
            let mut body = answer.pieces.concat();
            for coding in codings {
                body = code(coding, &body);
            }
            answer.pieces = vec![body];
        }
        self
    }

    fn asks(mut self, fields: &'static str) -> Self {
        self.asks = fields;
        self
    }

    fn keeps(mut self, text: &'static str) -> Self {
        self.keeps = text;
        self
    }
}

fn code(coding: &str, plain: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    let level = flate2::Compression::default();
    let _ = match coding {
        "gzip" => flate2::read::GzEncoder::new(plain, level).write_into(&mut coded),
        "deflate" => flate2::read::ZlibEncoder::new(plain, level).write_into(&mut coded),
        "raw" => flate2::read::DeflateEncoder::new(plain, level).write_into(&mut coded),
        "zstd" => return zstd::stream::encode_all(plain, 3).unwrap(),
        _ => {
            let mut writer = brotli::CompressorWriter::new(&mut coded, 4096, 5, 20);
            writer.write_all(plain).unwrap();
            drop(writer);
            return coded;
        }
    };
    coded
}

trait WriteInto: std::io::Read {
    fn write_into(&mut self, all: &mut Vec<u8>) -> usize {
        self.read_to_end(all).unwrap()
    }
}
impl<R: std::io::Read> WriteInto for R {}

fn answer(head: &str, body: Vec<u8>) -> Answer {
    Answer {
        head: head.to_owned(),
        plain: body.clone(),
        interim: String::new(),
        pieces: vec![body],
        trailers: String::new(),
    }
}

fn typed(kind: &str) -> String {
    format!("200 OK\r\ncontent-type: {kind}\r\n")
}

/// One shape of answer, with another's data and with the user's own.
pub(super) fn own<B: Into<Vec<u8>>>(
    name: &str,
    route: &'static str,
    kind: &str,
    body: impl Fn(Who) -> B,
) -> Case {
    Case {
        name: name.to_owned(),
        route,
        method: "GET",
        asks: "",
        keeps: "",
        hostile: answer(&typed(kind), body(BOB).into()),
        twin: answer(&typed(kind), body(ALICE).into()),
    }
}

/// A hostile answer, and what an honest app would have sent.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a table reads better without references"
)]
pub(super) fn pair(
    name: &str,
    route: &'static str,
    hostile: (&str, impl AsRef<[u8]>),
    twin: (&str, impl AsRef<[u8]>),
) -> Case {
    Case {
        name: name.to_owned(),
        route,
        method: "GET",
        asks: "",
        keeps: "",
        hostile: answer(&typed(hostile.0), hostile.1.as_ref().to_vec()),
        twin: answer(&typed(twin.0), twin.1.as_ref().to_vec()),
    }
}

/// Something in the head; the body is the same in both.
fn head(name: &str, hostile: &str, twin: &str) -> Case {
    let mut case = own(name, "open", "text/plain", |_| "ok");
    case.hostile.head = hostile.to_owned();
    case.twin.head = twin.to_owned();
    case
}

fn each(text: &str, write: impl Fn(u32) -> String) -> String {
    text.chars()
        .map(|letter| write(u32::from(letter)))
        .collect()
}

pub(super) fn utf16(text: &str, is_big: bool, mark: bool) -> Vec<u8> {
    let mark = mark.then_some(0xfeff);
    let units = mark.into_iter().chain(text.encode_utf16());
    let bytes = units.map(|unit| {
        if is_big {
            unit.to_be_bytes()
        } else {
            unit.to_le_bytes()
        }
    });
    bytes.flatten().collect()
}

pub(super) fn all() -> Vec<Case> {
    let mut all = Vec::new();
    escapes::all(&mut all);
    scripts::all(&mut all);
    sheets::all(&mut all);
    xml::all(&mut all);
    urls::all(&mut all);
    mail::all(&mut all);
    codings::all(&mut all);
    records::all(&mut all);
    lines::all(&mut all);
    tables::all(&mut all);
    pages::all(&mut all);
    types::all(&mut all);
    drawn::all(&mut all);
    strings::all(&mut all);
    fields::all(&mut all);
    heads::all(&mut all);
    all
}

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Ways to write a letter.
type Write = fn(&str) -> String;

fn order(who: Who) -> String {
    format!(
        "[{{\"owner\":\"{}\",\"note\":\"{}\"}}]",
        who.owner, who.note
    )
}
