use super::{Answers, Bounds, Malformed, Place, Requests};

const BOUNDS: Bounds = Bounds {
    head: 300,
    fields: 8,
};

/// What is wrong with `pieces`, and how many of their bytes were passed on.
fn requests<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Option<(Malformed, Place)>, usize) {
    let mut requests = Requests::new(BOUNDS);
    let mut passed = 0;
    for piece in pieces {
        match requests.check(piece) {
            Ok(()) => passed += piece.len(),
            Err(stop) => return (Some((stop.malformed, stop.place)), passed + stop.passed),
        }
    }
    (None, passed)
}

/// What is wrong with `pieces` as the answer to one request.
fn answer<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<Malformed> {
    let mut answers = Answers::new(BOUNDS);
    answers.expect(false, false);
    for piece in pieces {
        match answers.check(piece) {
            Ok(belong) if belong == piece.len() => {}
            Ok(_) => return Some(Malformed::Spare),
            Err(malformed) => return Some(malformed),
        }
    }
    None
}

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const POST: &str = "POST /a?b HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\n\r\nab\0\ncd";
const CHUNKED: &str = "POST / HTTP/1.1\r\nhost: [::1]:8080\r\ntransfer-encoding: chunked\r\n\r\n\
    3\r\nab\n\r\n0A;a;b=c;d=\"e;\\\"f\"\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n";

fn with(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old}");
    text.replacen(old, new, 1)
}

fn good_requests() -> Vec<String> {
    vec![
        GET.to_owned(),
        POST.to_owned(),
        CHUNKED.to_owned(),
        format!("{GET}{CHUNKED}\r\n{POST}{GET}"),
        with(GET, "GET", "P"),
        with(GET, "GET / HTTP/1.1\r\nhost: a", "PRI / HTTP/1.0\r\na: b"),
        with(GET, "GET /", "OPTIONS *"),
        with(GET, "GET /", "CONNECT a:443"),
        with(GET, "GET /", "GET http://A/b"),
        with(GET, "host: a", "x:\r\nhost:a\r\ny: \u{e9}\t"),
        with(POST, "5\r\n\r\nab\0\ncd", "0\r\n\r\n"),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0".to_owned(),
    ]
}

fn bad_requests() -> Vec<(String, Malformed)> {
    let host = |host: &str| with(GET, "host: a", &format!("host: {host}"));
    let length = |length: &str| with(POST, "Length: 5", &format!("Length: {length}"));
    let coding = |coding: &str| with(CHUNKED, "encoding: chunked", &format!("encoding: {coding}"));
    let size = |size: &str| with(CHUNKED, "3\r\nab", &format!("{size}\r\nab"));
    let long = "a".repeat(300);
    let mut cases = vec![
        (with(GET, "\r\nhost", "\nhost"), Malformed::BareLf),
        (with(GET, "a\r\n\r\n", "a\r\n\n"), Malformed::BareLf),
        (with(GET, "\r\nhost", "\rhost"), Malformed::BareCr),
        (with(GET, "/ H", "/\0 H"), Malformed::Control),
        (host("a\u{b}"), Malformed::Control),
        (with(GET, "GET ", "GET  "), Malformed::RequestLine),
        (with(GET, " HTTP/1.1", ""), Malformed::RequestLine),
        (with(GET, "GET ", "GET\t"), Malformed::RequestLine),
        (with(GET, "GET", " GET"), Malformed::RequestLine),
        (with(GET, "GET", "G[T"), Malformed::Method),
        (with(GET, "/1.1", "/1.2"), Malformed::VersionUnsupported),
        (with(GET, "/1.1", "/2.0"), Malformed::VersionUnsupported),
        (with(GET, "HTTP/1.1", "http/1.1"), Malformed::Version),
        (with(GET, "/1.1", "/1.1 "), Malformed::RequestLine),
        (with(GET, "/ ", "/\u{e9} "), Malformed::Target),
        (with(GET, "/ ", "/#a "), Malformed::Target),
        (with(GET, "GET /", "GET *"), Malformed::Form),
        (with(GET, "GET /", "GET a:443"), Malformed::Form),
        (with(GET, "GET /", "CONNECT /"), Malformed::Form),
        (with(GET, "GET /", "GET ftp://a/"), Malformed::Form),
        (with(GET, "GET /", "GET http://b/"), Malformed::Authority),
        (with(GET, "GET /", "GET http://u@a/"), Malformed::Authority),
        (
            with(GET, "GET /", &format!("GET /{long}")),
            Malformed::TargetTooLong,
        ),
        (
            with(GET, "host: a", &format!("host: a\r\nx: {long}")),
            Malformed::HeadTooLarge,
        ),
        (
            with(GET, "host: a", &format!("host: a{}", "\r\nx: a".repeat(8))),
            Malformed::TooManyFields,
        ),
        (with(GET, "host", "x: a\r\n b\r\nhost"), Malformed::Fold),
        (with(GET, "host", " x: a\r\nhost"), Malformed::Fold),
        (with(GET, "host:", "host :"), Malformed::Name),
        (with(GET, "host:", "x\u{e9}: a\r\nhost:"), Malformed::Name),
        (with(GET, "host:", ": a\r\nhost:"), Malformed::Name),
        (with(GET, "host:", "host"), Malformed::NoField),
        (with(GET, "host: a\r\n", ""), Malformed::HostMissing),
        (with(GET, "host", "host: a\r\nHOST"), Malformed::HostTwice),
        (
            with(POST, "Content-Length", "Content_Length"),
            Malformed::FoldedName,
        ),
        (
            with(CHUNKED, "transfer-", "transfer_"),
            Malformed::FoldedName,
        ),
        (
            with(POST, "Content", "content-length: 5\r\nContent"),
            Malformed::LengthTwice,
        ),
        (
            with(CHUNKED, "transfer", "content-length: 5\r\ntransfer"),
            Malformed::Lengths,
        ),
        (
            with(
                CHUNKED,
                "transfer",
                "transfer-encoding: chunked\r\ntransfer",
            ),
            Malformed::Coding,
        ),
        (with(CHUNKED, "/1.1", "/1.0"), Malformed::CodingInOldVersion),
        (with(POST, "POST /a?b", "CONNECT a:1"), Malformed::Bodiless),
        (
            with(CHUNKED, "3\r\nab\n\r\n", "3\r\nab\n\n"),
            Malformed::ChunkEnd,
        ),
        (
            with(CHUNKED, "3\r\nab\n\r\n", "3\r\nab\n1\r\n"),
            Malformed::ChunkEnd,
        ),
        (with(CHUNKED, "3\r\nab", "3\nab"), Malformed::BareLf),
        (
            with(CHUNKED, "0\r\nx-sum: 1\r\n\r\n", "0\r\n\n"),
            Malformed::BareLf,
        ),
        (format!("\r\n\r\n{GET}"), Malformed::BlankLines),
        (format!("{GET}NO\r\n\r\n"), Malformed::RequestLine),
        (format!("{CHUNKED}NO\r\n\r\n"), Malformed::RequestLine),
        (
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\rx".to_owned(),
            Malformed::VersionUnsupported,
        ),
    ];
    for text in [
        "", "a,b", "a b", "u@a", "a:", "a:0", "a:65536", "a:b", ":80", "[]", "[::1", "[::1]x",
        "a/b", "%61", " a", "a ", "a\t", "\u{e9}",
    ] {
        cases.push((host(text), Malformed::Host));
    }
    for text in [
        "",
        "+5",
        "-5",
        "05",
        " 5",
        "5 ",
        "5, 5",
        "0x5",
        "5.0",
        "9223372036854775808",
        "\t5",
    ] {
        cases.push((length(text), Malformed::Length));
    }
    for text in [
        "",
        "Chunked",
        "chunked, chunked",
        "gzip, chunked",
        "identity",
        "xchunked",
        "chunked ",
        " chunked",
        "\tchunked",
        "\"chunked\"",
        "chunked;q=1",
    ] {
        cases.push((coding(text), Malformed::Coding));
    }
    for text in [
        "",
        "+3",
        "-3",
        "0x3",
        " 3",
        "3 ",
        "3_0",
        "g",
        "00000000000000003",
        "8000000000000000",
        "fffffffffffffffff",
        "3 ;a",
    ] {
        cases.push((size(text), Malformed::ChunkSize));
    }
    for text in [
        "3;",
        "3;a=",
        "3;=b",
        "3; a",
        "3;a=\"b",
        "3;a=\"b\"c",
        "3;a\tb",
        &format!("3;{long}"),
    ] {
        cases.push((size(text), Malformed::ChunkExtension));
    }
    for text in [
        "content-length: 5",
        "Host: b",
        "authorization: x",
        "cookie: a",
        "content_length: 5",
        "trailer: x",
    ] {
        cases.push((with(CHUNKED, "x-sum: 1", text), Malformed::Trailer));
    }
    cases
}

#[test]
fn passes_requests_however_they_are_cut() {
    for text in good_requests() {
        let bytes = text.as_bytes();
        assert_eq!(requests([bytes]), (None, bytes.len()), "{text}");
        assert_eq!(requests(bytes.chunks(1)), (None, bytes.len()), "{text}");
        for at in 0..bytes.len() {
            let (a, b) = bytes.split_at(at);
            assert_eq!(requests([a, b]), (None, bytes.len()), "{text} {at}");
        }
    }
}

#[test]
fn refuses_requests_however_they_are_cut() {
    for (text, malformed) in bad_requests() {
        let bytes = text.as_bytes();
        let (whole, passed) = requests([bytes]);
        assert_eq!(whole, Some((malformed, Place::Head)), "{text}");
        assert!(
            text.len() - passed > 3,
            "all but the head before it stays: {text}"
        );
        let is_same = |cut: Option<(Malformed, Place)>, at| {
            assert_eq!(cut.map(|(cut, _)| cut), Some(malformed), "{text} {at}");
        };
        is_same(requests(bytes.chunks(1)).0, 0);
        for at in 0..bytes.len() {
            let (a, b) = bytes.split_at(at);
            is_same(requests([a, b]).0, at);
        }
    }
}

/// Of a refused request a parser sees either no whole head, or one that it can answer.
#[test]
fn passes_a_whole_head_only_to_refuse_its_body() {
    for (text, _) in bad_requests() {
        let bytes = text.as_bytes();
        for at in 0..bytes.len() {
            let (a, b) = bytes.split_at(at);
            let (Some((_, place)), passed) = requests([a, b]) else {
                panic!("{text}");
            };
            let mut rest = &bytes[..passed];
            if text.ends_with("NO\r\n\r\n") {
                for before in [GET, CHUNKED] {
                    rest = rest.strip_prefix(before.as_bytes()).unwrap_or(rest);
                }
            }
            let mut fields = [httparse::EMPTY_HEADER; 16];
            let parsed = httparse::Request::new(&mut fields).parse(rest);
            let is_whole = matches!(parsed, Ok(httparse::Status::Complete(_)));
            assert_eq!(is_whole, place == Place::Body, "{text} {at}");
        }
    }
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const STREAM: &str =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a\r\nok\r\n0\r\nx: 1\r\n\r\n";

#[test]
fn reads_answers_however_they_are_cut() {
    let good = [
        ANSWER.to_owned(),
        STREAM.to_owned(),
        with(STREAM, "chunked", "Chunked"),
        with(ANSWER, "Length: 2", "Length:   2 "),
        with(ANSWER, " OK", ""),
        with(ANSWER, " OK", " "),
        with(ANSWER, "Content-Length: 2\r\n", ""),
        with(ANSWER, "/1.1", "/1.0"),
        "HTTP/1.1 101 \r\nupgrade: x\r\n\r\n".to_owned(),
        "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n".to_owned(),
        format!("HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n{STREAM}"),
    ];
    let bad = [
        (with(ANSWER, "\r\nContent", "\nContent"), Malformed::BareLf),
        (with(ANSWER, "HTTP", "http"), Malformed::StatusLine),
        (with(ANSWER, "200", "20"), Malformed::StatusLine),
        (with(ANSWER, "200", "600"), Malformed::StatusLine),
        (with(ANSWER, "200 ", "2000"), Malformed::StatusLine),
        (with(ANSWER, "/1.1", "/2.0"), Malformed::StatusLine),
        (
            "HTTP/1.1 101 \r\nupgrade: x\r\n\r\n!".to_owned(),
            Malformed::Spare,
        ),
        (with(ANSWER, "200", "204"), Malformed::Bodiless),
        (with(ANSWER, "200", "100"), Malformed::Bodiless),
        (with(ANSWER, "Length: 2", "Length: 02"), Malformed::Length),
        (
            with(ANSWER, "Length: 2", "Length: 2\r\ncontent-length: 2"),
            Malformed::LengthTwice,
        ),
        (with(STREAM, "chunked", "gzip, chunked"), Malformed::Coding),
        (
            with(STREAM, "Transfer", "Content-Length: 2\r\nTransfer"),
            Malformed::Lengths,
        ),
        (with(STREAM, "/1.1", "/1.0"), Malformed::CodingInOldVersion),
        (with(STREAM, "2;a\r\n", "2 \r\n"), Malformed::ChunkSize),
        (with(STREAM, "x: 1", "set-cookie: a=b"), Malformed::Trailer),
        (format!("{ANSWER}{ANSWER}"), Malformed::Spare),
        (format!("{STREAM}\r\n"), Malformed::Spare),
        (
            format!("{}{ANSWER}", "HTTP/1.1 103 \r\n\r\n".repeat(33)),
            Malformed::Interim,
        ),
    ];
    let good = good.into_iter().map(|text| (text, None));
    let bad = bad
        .into_iter()
        .map(|(text, malformed)| (text, Some(malformed)));
    for (text, verdict) in good.chain(bad) {
        let bytes = text.as_bytes();
        assert_eq!(answer([bytes]), verdict, "{text}");
        assert_eq!(answer(bytes.chunks(1)), verdict, "{text}");
        for at in 0..bytes.len() {
            let (a, b) = bytes.split_at(at);
            assert_eq!(answer([a, b]), verdict, "{text} {at}");
        }
    }
}
