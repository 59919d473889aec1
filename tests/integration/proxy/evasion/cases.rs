//! The table: what is hidden, where, and what the innocent app sends in its place.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

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
    escapes(&mut all);
    codings(&mut all);
    records(&mut all);
    lines(&mut all);
    tables(&mut all);
    pages(&mut all);
    types(&mut all);
    heads(&mut all);
    all
}

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Ways to write a letter.
type Write = fn(&str) -> String;

fn escapes(all: &mut Vec<Case>) {
    let json: [(&str, Write); 4] = [
        ("plain", |text| text.to_owned()),
        ("u-lower", |text| each(text, |n| format!("\\u{n:04x}"))),
        ("u-upper", |text| each(text, |n| format!("\\u{n:04X}"))),
        ("u-at", |text| text.replace('@', "\\u0040")),
    ];
    for (name, write) in json {
        for (place, before, after) in [
            ("value", "{\"a\":\"", "\"}"),
            ("key", "{\"", "\":1}"),
            ("element", "[[[\"", "\"]]]"),
            ("root", "\"", "\""),
            ("after-pair", "[\"\\ud83d\\ude00 ", "\"]"),
        ] {
            all.push(own(&format!("json-{name}-{place}"), "open", JSON, |who| {
                format!("{before}{}{after}", write(who.email))
            }));
        }
    }
    let html: [(&str, Write); 5] = [
        ("plain", |text| text.to_owned()),
        ("decimal", |text| each(text, |n| format!("&#{n};"))),
        ("hex", |text| each(text, |n| format!("&#x{n:x};"))),
        ("padded", |text| each(text, |n| format!("&#X000{n:X};"))),
        ("named", |text| {
            text.replace('@', "&commat;").replace('.', "&period;")
        }),
    ];
    for (name, write) in html {
        for (place, before, after) in [
            ("text", "<p>", "</p>"),
            ("attribute", "<p title=\"", "\">x</p>"),
            ("single-quoted", "<p title='", "'>x</p>"),
            ("title", "<title>", "</title>"),
            ("textarea", "<textarea>", "</textarea>"),
        ] {
            all.push(own(&format!("html-{name}-{place}"), "open", HTML, |who| {
                format!("{before}{}{after}", write(who.email))
            }));
        }
    }
    let script: [(&str, Write); 4] = [
        ("plain", |text| text.to_owned()),
        ("x", |text| each(text, |n| format!("\\x{n:02x}"))),
        ("u", |text| each(text, |n| format!("\\u{n:04x}"))),
        ("brace", |text| each(text, |n| format!("\\u{{{n:x}}}"))),
    ];
    for (name, write) in script {
        all.push(own(
            &format!("script-in-page-{name}"),
            "open",
            HTML,
            |who| format!("<script>let a = '{}';</script>", write(who.email)),
        ));
    }
    all.push(own("script", "open", "text/javascript", |who| {
        format!("let a = \"{}\";\n", who.email)
    }));
    all.push(own("handler", "open", HTML, |who| {
        format!("<p onclick=\"f('{}')\">x</p>", who.email)
    }));
    all.push(own("href-percent", "open", HTML, |who| {
        format!(
            "<a href=\"/a?b={}\">x</a>",
            each(who.email, |n| format!("%{n:02x}"))
        )
    }));
    all.push(own("mailto", "open", HTML, |who| {
        format!("<a href=\"mailto:{}\">x</a>", who.email)
    }));
    all.push(own("data-url", "open", HTML, |who| {
        format!(
            "<a href=\"data:text/plain;base64,{}\">x</a>",
            STANDARD.encode(who.email)
        )
    }));
    for (name, before, after) in [
        ("comment", "<!-- ", " --><p>x</p>"),
        ("noscript", "<noscript>", "</noscript>"),
        ("template", "<template><p>", "</p></template>"),
        ("style", "<style>/* ", " */</style>"),
        ("foreign", "<svg><text>", "</text></svg>"),
        ("math", "<math><mtext>", "</mtext></math>"),
        (
            "srcdoc",
            "<iframe srcdoc=\"&lt;p&gt;",
            "&lt;/p&gt;\"></iframe>",
        ),
        ("meta", "<meta name=\"a\" content=\"", "\">"),
        ("hidden", "<input type=hidden value=\"", "\">"),
        (
            "json-in-script",
            "<script type=\"application/json\">{\"a\":\"",
            "\"}</script>",
        ),
    ] {
        all.push(own(&format!("html-in-{name}"), "open", HTML, |who| {
            format!("{before}{}{after}", who.email)
        }));
    }
    all.push(own("css-content", "open", "text/css", |who| {
        format!("a:after{{content:\"{}\"}}", who.email)
    }));
    all.push(own("xml-text", "open", "application/xml", |who| {
        format!("<a>{}</a>", who.email)
    }));
    all.push(own("xml-cdata", "open", "text/xml", |who| {
        format!("<a><![CDATA[{}]]></a>", who.email)
    }));
    all.push(own("svg", "open", "image/svg+xml", |who| {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\"><text>{}</text></svg>",
            who.email
        )
    }));
    for (name, secret, innocent) in [
        ("card", "4111111111111111", "4111111111111112"),
        ("term", "Falcon IX", "Falcon X"),
        ("term-case", "fALCON iX", "fALCON X"),
    ] {
        for (place, kind, before, after) in [
            ("text", TEXT, "it is ", " indeed"),
            ("json", JSON, "{\"a\":\"", "\"}"),
            ("page", HTML, "<p>", "</p>"),
            ("script", "text/javascript", "let a = '", "';"),
        ] {
            let write = |text| format!("{before}{text}{after}");
            let (hostile, twin) = (write(secret), write(innocent));
            all.push(pair(
                &format!("{name}-{place}"),
                "open",
                (kind, hostile),
                (kind, twin),
            ));
        }
    }
    all.push(pair(
        "card-number",
        "open",
        (JSON, "[4111111111111111]"),
        (JSON, "[4111111111111112]"),
    ));
}

fn codings(all: &mut Vec<Case>) {
    let text = |who: Who| format!("write to {} please", who.email);
    for size in [1, 2, 3, 7] {
        all.push(own(&format!("cut-{size}"), "open", TEXT, text).cut(size));
        all.push(
            own(&format!("cut-json-{size}"), "open", JSON, |who| {
                format!(
                    "{{\"a\":\"{}\"}}",
                    each(who.email, |n| format!("\\u{n:04x}"))
                )
            })
            .cut(size),
        );
        all.push(own(&format!("cut-records-{size}"), "orders", JSON, order).cut(size));
    }
    for (name, said, done) in [
        ("gzip", "gzip", &["gzip"][..]),
        ("x-gzip", "x-gzip", &["gzip"]),
        ("deflate", "deflate", &["deflate"]),
        ("deflate-raw", "deflate", &["raw"]),
        ("br", "br", &["br"]),
        ("zstd", "zstd", &["zstd"]),
        ("stacked", "gzip, br", &["gzip", "br"]),
        ("twice", "gzip, gzip", &["gzip", "gzip"]),
    ] {
        let said = format!("text/plain\r\ncontent-encoding: {said}");
        let case = own(&format!("coded-{name}"), "open", &said, text).coded(done);
        all.push(case.cut(5));
    }
    // Lies about the coding: the twin tells the truth.
    for (name, said, done) in [
        ("unsaid-gzip", "", &["gzip"][..]),
        ("unsaid-zstd", "", &["zstd"]),
        ("other", "br", &["gzip"]),
        ("once-more", "gzip", &["gzip", "gzip"]),
        ("unknown", "compress", &["gzip"]),
        ("doubled", "gzip\r\ncontent-encoding: identity", &["gzip"]),
    ] {
        let mut case = own(&format!("lied-{name}"), "open", "text/plain", text).coded(done);
        if !said.is_empty() {
            case.hostile.head += &format!("content-encoding: {said}\r\n");
        }
        case.twin = own("", "open", "text/plain\r\ncontent-encoding: gzip", text)
            .coded(&["gzip"])
            .twin;
        all.push(case);
    }
}

fn order(who: Who) -> String {
    format!(
        "[{{\"owner\":\"{}\",\"note\":\"{}\"}}]",
        who.owner, who.note
    )
}

fn records(all: &mut Vec<Case>) {
    all.push(own("order", "orders", JSON, order));
    all.push(own("order-bom", "orders", JSON, |who| {
        format!("\u{feff}{}", order(who))
    }));
    all.push(own("order-last", "orders", JSON, |who| {
        format!(
            "[{{\"note\":\"{}\",\"x\":[1,{{}}],\"owner\":\"{}\"}}]",
            who.note, who.owner
        )
    }));
    all.push(own("order-escaped", "orders", JSON, |who| {
        let owner = each(who.owner, |n| format!("\\u{n:04x}"));
        format!(
            "[{{\"\\u006fwner\":\"{owner}\",\"note\":\"{}\"}}]",
            who.note
        )
    }));
    all.push(own("order-deep", "orders", JSON, |who| {
        let (open, close) = ("[".repeat(60), "]".repeat(60));
        format!(
            "[{{\"note\":{open}\"{}\"{close},\"owner\":\"{}\"}}]",
            who.note, who.owner
        )
    }));
    all.push(own("order-long", "orders", JSON, |who| {
        format!(
            "[{{\"pad\":\"{}\",\"note\":\"{}\",\"owner\":\"{}\"}}]",
            "x".repeat(90_000),
            who.note,
            who.owner
        )
    }));
    let fine = order(ALICE);
    for (name, body) in [
        (
            "twice",
            r#"[{"owner":"alice","owner":"bob","note":"zq7-secret"}]"#,
        ),
        (
            "twice-turned",
            r#"[{"owner":"bob","note":"zq7-secret","owner":"alice"}]"#,
        ),
        (
            "twice-escaped",
            r#"[{"owner":"alice","\u006fwner":"bob","note":"zq7-secret"}]"#,
        ),
        ("list", r#"[{"owner":["alice","bob"],"note":"zq7-secret"}]"#),
        (
            "object",
            r#"[{"owner":{"owner":"alice"},"note":"zq7-secret"}]"#,
        ),
        ("missing", r#"[{"note":"zq7-secret"}]"#),
        ("null", r#"[{"owner":null,"note":"zq7-secret"}]"#),
        ("true", r#"[{"owner":true,"note":"zq7-secret"}]"#),
        ("empty", r#"[{"owner":"","note":"zq7-secret"}]"#),
        ("case", r#"[{"owner":"Alice","note":"zq7-secret"}]"#),
        ("space", r#"[{"owner":"alice ","note":"zq7-secret"}]"#),
        ("nul", r#"[{"owner":"alice\u0000","note":"zq7-secret"}]"#),
        ("prefix", r#"[{"owner":"alic","note":"zq7-secret"}]"#),
        ("other-name", r#"[{"Owner":"alice","note":"zq7-secret"}]"#),
        (
            "nested-decoy",
            r#"[{"a":{"owner":"alice"},"owner":"bob","note":"zq7-secret"}]"#,
        ),
        ("bare", r#"["zq7-secret"]"#),
        (
            "list-in-list",
            r#"[[{"owner":"alice","note":"zq7-secret"}]]"#,
        ),
        ("object-root", r#"{"owner":"alice","note":"zq7-secret"}"#),
        ("string-root", r#""zq7-secret""#),
        ("trailing", r#"[{"owner":"alice"}] "zq7-secret""#),
        (
            "second-text",
            r#"[{"owner":"alice"}][{"owner":"bob","note":"zq7-secret"}]"#,
        ),
        ("cut-off", r#"[{"owner":"bob","note":"zq7-secret""#),
        ("comment", r#"[{"owner":"alice"} /* zq7-secret */]"#),
        ("single-quotes", r"[{'owner':'alice','note':'zq7-secret'}]"),
        (
            "trailing-comma",
            r#"[{"owner":"bob","note":"zq7-secret"},]"#,
        ),
        (
            "prefix-guard",
            r#")]}',[{"owner":"bob","note":"zq7-secret"}]"#,
        ),
        ("callback", r#"f([{"owner":"bob","note":"zq7-secret"}])"#),
        (
            "lone-surrogate",
            r#"[{"owner":"alice\ud800","note":"zq7-secret"}]"#,
        ),
    ] {
        all.push(pair(
            &format!("order-{name}"),
            "orders",
            (JSON, body),
            (JSON, &fine),
        ));
    }
    let bytes = [b"[{\"owner\":\"\xc1\xa1lice\",\"note\":\"zq7-secret\"}]".as_slice()];
    all.push(pair(
        "order-overlong",
        "orders",
        (JSON, bytes[0]),
        (JSON, &fine),
    ));
    for (name, kind) in [
        ("html", "text/html"),
        ("text", "text/plain"),
        ("none", "application/octet-stream"),
        ("image", "image/png"),
        ("xml", "application/xml"),
        ("csv", "text/csv"),
        ("script", "text/javascript"),
        ("charset", "application/json; charset=utf-7"),
        ("two", "text/html\r\ncontent-type: application/json"),
        ("list", "application/json, text/html"),
        ("empty", ""),
    ] {
        all.push(pair(
            &format!("order-as-{name}"),
            "orders",
            (kind, order(BOB)),
            (JSON, &fine),
        ));
    }
    let items = |who: Who| {
        format!(
            "{{\"page\":1,\"items\":[{{\"owner\":{{\"id\":\"{}\"}},\"note\":\"{}\"}}]}}",
            who.owner, who.note
        )
    };
    all.push(own("items", "items", JSON, items));
    for (name, body) in [
        (
            "beside",
            r#"{"note":"zq7-secret","items":[{"owner":{"id":"alice"}}]}"#,
        ),
        (
            "behind",
            r#"{"items":[{"owner":{"id":"alice"}}],"note":"zq7-secret"}"#,
        ),
        (
            "as-key",
            r#"{"zq7-secret":1,"items":[{"owner":{"id":"alice"}}]}"#,
        ),
        (
            "twice",
            r#"{"items":[{"owner":{"id":"bob"},"note":"zq7-secret"}],"items":[]}"#,
        ),
        (
            "owner-twice",
            r#"{"items":[{"owner":{"id":"bob"},"owner":{"id":"alice"},"note":"zq7-secret"}]}"#,
        ),
        (
            "object",
            r#"{"items":{"owner":{"id":"alice"},"note":"zq7-secret"}}"#,
        ),
        ("no-items", r#"{"page":"none","note":"zq7-secret"}"#),
    ] {
        all.push(pair(
            &format!("items-{name}"),
            "items",
            (JSON, body),
            (JSON, items(ALICE)),
        ));
    }
    for (name, body) in [
        (
            "in-own",
            r#"{"owner":"alice","a":{"owner":"bob","note":"zq7-secret"}}"#,
        ),
        (
            "in-others",
            r#"{"a":{"owner":"bob","note":"zq7-secret","b":{"owner":"alice"}}}"#,
        ),
        (
            "in-list",
            r#"{"a":[1,[{"owner":"bob","note":"zq7-secret"}]]}"#,
        ),
        ("as-text", r#"{"a":{"owner":["bob"],"note":"zq7-secret"}}"#),
    ] {
        let twin = r#"{"a":[1,{"owner":"alice","note":"mine"}],"total":2}"#;
        all.push(pair(
            &format!("anywhere-{name}"),
            "anywhere",
            (JSON, body),
            (JSON, twin),
        ));
    }
}

fn lines(all: &mut Vec<Case>) {
    let record = |who: Who| format!("{{\"owner\":\"{}\",\"note\":\"{}\"}}", who.owner, who.note);
    let events = "text/event-stream";
    let (fine, event) = (record(ALICE) + "\n", format!("data: {}\n\n", record(ALICE)));
    for (name, end) in [("lf", "\n"), ("crlf", "\r\n"), ("no-end", "")] {
        all.push(own(
            &format!("ndjson-{name}"),
            "lines",
            "application/x-ndjson",
            |who| record(who) + end,
        ));
    }
    all.push(own("json-seq", "lines", "application/json-seq", |who| {
        format!("\u{1e}{}\n", record(who))
    }));
    for (name, body) in [
        (
            "ndjson-two-a-line",
            format!("{} {}\n", record(ALICE), record(BOB)),
        ),
        (
            "ndjson-comment",
            format!("# {}\n{}", record(BOB), record(ALICE)),
        ),
        ("ndjson-array", format!("[{}]\n", record(BOB))),
        (
            "ndjson-broken",
            "{\"owner\":\"alice\",\n\"note\":\"zq7-secret\"}\n".to_owned(),
        ),
    ] {
        let kind = "application/x-ndjson";
        all.push(pair(name, "lines", (kind, body), (kind, &fine)));
    }
    for (name, body) in [
        ("sse-data", format!("data: {}\n\n", record(BOB))),
        (
            "sse-id",
            format!("id: zq7-secret\ndata: {}\n\n", record(BOB)),
        ),
        (
            "sse-event",
            format!("event: zq7-secret\ndata: {}\n\n", record(BOB)),
        ),
        (
            "sse-comment",
            format!(": zq7-secret\ndata: {}\n\n", record(BOB)),
        ),
        ("sse-no-space", format!("data:{}\n\n", record(BOB))),
        (
            "sse-split",
            "data: {\"owner\":\"bob\",\ndata: \"note\":\"zq7-secret\"}\n\n".to_owned(),
        ),
        ("sse-cr", format!("data: {}\r\r", record(BOB))),
        (
            "sse-unfinished",
            format!("data: {}\n\ndata: {}", record(ALICE), record(BOB)),
        ),
        ("sse-no-json", "data: zq7-secret\n\n".to_owned()),
        ("sse-other-field", format!("Data: zq7-secret\n{event}")),
        ("sse-retry", format!("retry: zq7-secret\n{event}")),
        ("sse-id-mail", format!("id: bob@shop.example\n{event}")),
    ] {
        all.push(pair(name, "lines", (events, body), (events, &event)));
    }
}

fn tables(all: &mut Vec<Case>) {
    let csv = "text/csv; charset=utf-8";
    let fine = "owner,note\r\nalice,mine\r\n";
    for (name, before, after) in [("plain", "", ""), ("quoted", "\"", "\"")] {
        all.push(own(&format!("csv-{name}"), "rows", csv, |who| {
            format!(
                "owner,note\r\n{before}{}{after},{before}{}{after}\r\n",
                who.owner, who.note
            )
        }));
    }
    all.push(own("csv-bom", "rows", csv, |who| {
        format!("\u{feff}owner,note\n{},{}\n", who.owner, who.note)
    }));
    all.push(own("tsv", "rows", "text/tab-separated-values", |who| {
        format!("owner\tnote\n{}\t{}\n", who.owner, who.note)
    }));
    for (name, body) in [
        ("lone-cr", "owner,note\nalice,1\rbob,zq7-secret\n"),
        ("quote-inside", "owner,note\nalice,a\"\nbob,zq7-secret\"\n"),
        ("owner-twice", "owner,owner\nalice,zq7-secret\n"),
        ("no-owner", "note\nzq7-secret\n"),
        ("delimiter", "owner;note\nalice;zq7-secret\n"),
        ("ragged", "owner,note\nalice,1,zq7-secret\n"),
        ("short", "owner,note\nzq7-secret\n"),
        ("backslash", "owner,note\nalice,\"a\\\",zq7-secret\"\n"),
        ("space-owner", "owner,note\n alice,zq7-secret\n"),
        ("zero", "owner,note\nalice\0,zq7-secret\n"),
        ("mail-in-head", "owner,bob@shop.example\nalice,1\n"),
        ("mail-in-cell", "owner,note\nalice,bob@shop.example\n"),
    ] {
        all.push(pair(
            &format!("csv-{name}"),
            "rows",
            (csv, body),
            (csv, fine),
        ));
    }
}

fn pages(all: &mut Vec<Case>) {
    let item = |who: Who| {
        format!(
            "<ul><li class=\"order\" data-owner=\"{}\">{}</li></ul>",
            who.owner, who.note
        )
    };
    all.push(own("page", "page", HTML, item));
    all.push(own("page-upper", "page", HTML, |who| {
        format!(
            "<UL><LI CLASS='order' DATA-OWNER='{}'>{}</LI></UL>",
            who.owner, who.note
        )
    }));
    all.push(own("page-unquoted", "page", HTML, |who| {
        format!(
            "<ul><li class=order data-owner={}>{}</li></ul>",
            who.owner, who.note
        )
    }));
    for (name, body) in [
        (
            "twice",
            "<p class=order data-owner=alice data-owner=bob>zq7-secret</p>",
        ),
        (
            "inside",
            "<div class=order data-owner=alice><p class=order data-owner=bob>zq7-secret</p></div>",
        ),
        ("unended", "<div class=order data-owner=bob>zq7-secret"),
        (
            "disordered",
            "<div class=order data-owner=bob><b></div>zq7-secret</b>",
        ),
        (
            "plaintext",
            "<plaintext><p class=order data-owner=bob>zq7-secret</p>",
        ),
        ("none", "<p>zq7-secret</p>"),
        (
            "comment",
            "<!-- <p class=order data-owner=bob>zq7-secret</p> -->",
        ),
        (
            "noscript",
            "<noscript><p class=order data-owner=bob>zq7-secret</p></noscript>",
        ),
        (
            "srcdoc",
            "<iframe srcdoc=\"<p class=order data-owner=bob>zq7-secret</p>\"></iframe>",
        ),
        (
            "entity-class",
            "<p class=\"&#111;rder\" data-owner=bob>zq7-secret</p>",
        ),
        ("no-owner", "<p class=order>zq7-secret</p>"),
        (
            "tag-cut",
            "<p class=order data-owner=bob title=\"zq7-secret",
        ),
    ] {
        all.push(pair(
            &format!("page-{name}"),
            "page",
            (HTML, body),
            (HTML, item(ALICE)),
        ));
    }
}

fn types(all: &mut Vec<Case>) {
    let text = format!("write to {}", BOB.email);
    let fine = (TEXT, "write to alice@shop.example");
    for (name, big, mark, kind) in [
        ("utf16le-bom", false, true, "text/plain"),
        ("utf16be-bom", true, true, "text/plain"),
        ("utf16le-said", false, false, "text/plain; charset=utf-16le"),
        ("utf16be-said", true, false, "text/plain; charset=utf-16be"),
        ("utf16-lied", false, true, "text/plain; charset=utf-8"),
        ("utf16-unsaid", false, false, "text/plain"),
    ] {
        all.push(pair(name, "open", (kind, utf16(&text, big, mark)), fine));
    }
    for (name, kind) in [
        ("latin1", "text/plain; charset=iso-8859-1"),
        ("utf7", "text/plain; charset=utf-7"),
        ("ibm", "text/plain; charset=ibm037"),
        ("unknown", "text/plain; charset=x-user-defined"),
        ("two-charsets", "text/plain; charset=utf-8; charset=utf-16"),
        ("image", "image/png"),
        ("pdf", "application/pdf"),
        ("binary", "application/octet-stream"),
        ("slashless", "text"),
        ("byteranges", "multipart/byteranges; boundary=b"),
        ("push", "multipart/x-mixed-replace; boundary=b"),
        ("grpc", "application/grpc"),
        ("message", "message/rfc822"),
    ] {
        all.push(pair(&format!("type-{name}"), "open", (kind, &text), fine));
    }
    all.push(own("mixed", "open", "multipart/mixed; boundary=b", |who| {
        format!(
            "--b\r\ncontent-type: text/plain\r\n\r\n{}\r\n--b--\r\n",
            who.email
        )
    }));
    all.push(own(
        "mixed-field",
        "open",
        "multipart/mixed; boundary=b",
        |who| {
            format!(
                "--b\r\ncontent-type: text/plain\r\nx-a: {}\r\n\r\nok\r\n--b--\r\n",
                who.email
            )
        },
    ));
}

fn heads(all: &mut Vec<Case>) {
    let ok = "200 OK\r\ncontent-type: text/plain\r\n";
    for (name, before) in [
        (
            "location",
            "302 Found\r\ncontent-type: text/plain\r\nlocation: /a?b=",
        ),
        (
            "content-location",
            "200 OK\r\ncontent-type: text/plain\r\ncontent-location: /a?b=",
        ),
        (
            "refresh",
            "200 OK\r\ncontent-type: text/plain\r\nrefresh: 1;url=/a?b=",
        ),
        (
            "cookie",
            "200 OK\r\ncontent-type: text/plain\r\nset-cookie: a=",
        ),
        (
            "server-timing",
            "200 OK\r\ncontent-type: text/plain\r\nserver-timing: db;desc=",
        ),
        ("custom", "200 OK\r\ncontent-type: text/plain\r\nx-note: "),
        (
            "file-name",
            "200 OK\r\ncontent-type: text/plain\r\ncontent-disposition: attachment; filename=",
        ),
        (
            "nominated",
            "200 OK\r\ncontent-type: text/plain\r\nconnection: x-note\r\nx-note: ",
        ),
        (
            "error-page",
            "500 Broken\r\ncontent-type: text/plain\r\nx-note: ",
        ),
    ] {
        for (way, mail) in [
            ("plain", BOB.email.to_owned()),
            ("percent", BOB.email.replace('@', "%40")),
        ] {
            let case = head(
                &format!("head-{name}-{way}"),
                &format!("{before}{mail}\r\n"),
                &format!("{before}a7\r\n"),
            );
            all.push(case);
        }
    }
    let at = |tail: &str| format!("{ok}{tail}\r\n");
    all.push(
        head(
            "head-etag",
            &at("etag: \"bob@shop.example\""),
            &at("etag: \"a7\""),
        )
        .keeps("etag: \""),
    );
    all.push(
        head(
            "head-link",
            &at("link: </a?b=bob@shop.example>; rel=next"),
            &at("link: </a>; rel=next"),
        )
        .keeps("link: </a>"),
    );
    all.push(head(
        "head-name",
        &at("x-zq7-secret: falcon ix"),
        &at("x-a: falcon"),
    ));
    all.push(head(
        "head-reason",
        "200 bob@shop.example\r\ncontent-type: text/plain\r\n",
        ok,
    ));
    all.push(head("range-unasked", "206 Partial Content\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-1/2\r\nx-a: bob@shop.example\r\n", ok).asks("range: bytes=0-1\r\n"));
    all.push(
        head(
            "range-416",
            "416 No\r\ncontent-type: text/plain\r\ncontent-range: bytes */4111111111111111\r\n",
            "416 No\r\ncontent-type: text/plain\r\n",
        )
        .asks("range: bytes=9-\r\n"),
    );
    all.push(
        head(
            "not-modified",
            "304 Not Modified\r\nx-a: bob@shop.example\r\n",
            ok,
        )
        .asks("if-none-match: \"a\"\r\n"),
    );
    let mut case = head(
        "asked-for-head",
        &at("x-a: bob@shop.example"),
        &at("x-a: a7"),
    )
    .keeps("x-a: a7");
    case.method = "HEAD";
    all.push(case);
    for (name, hints) in [
        (
            "early-hints",
            "HTTP/1.1 103 Early Hints\r\nlink: </a?bob@shop.example>; rel=preload\r\n\r\n",
        ),
        (
            "processing",
            "HTTP/1.1 102 Processing\r\nx-a: bob@shop.example\r\n\r\n",
        ),
    ] {
        let mut case = head(name, ok, ok);
        case.hostile.interim = hints.to_owned();
        case.twin.interim = hints.replace("bob@shop.example", "a7");
        all.push(case);
    }
    for (name, field) in [
        ("trailer", "x-a: bob@shop.example"),
        ("trailer-percent", "x-a: bob%40shop.example"),
        ("trailer-cookie", "set-cookie: a=bob@shop.example"),
        ("trailer-term", "x-a: Falcon IX"),
    ] {
        let mut case = head(name, ok, ok);
        case.hostile.trailers = format!("{field}\r\n");
        case.twin.trailers = "x-a: a7\r\n".to_owned();
        all.push(case);
    }
    for status in [
        "201 Made",
        "302 Found",
        "404 Not Found",
        "500 Broken",
        "503 Away",
    ] {
        let mut case = own(
            &format!("status-{}", status.split(' ').next().unwrap_or_default()),
            "orders",
            JSON,
            order,
        );
        for answer in [&mut case.hostile, &mut case.twin] {
            answer.head = format!("{status}\r\ncontent-type: application/json\r\n");
        }
        all.push(case);
    }
}
