//! Answers that two clients would read in two ways, each beside an honest one that differs as little as can be.

const FIXED: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n\
    2\r\nok\r\n0\r\n\r\n";

/// The place, what a hostile app writes there, and what an honest one does.
type Row = (&'static str, &'static str, &'static str);

#[rustfmt::skip]
const IN_FIXED: &[Row] = &[
    ("HTTP/1.1 200 OK", "HTTP/1.1  200 OK", "HTTP/1.1 200  OK"),
    ("HTTP/1.1 200 OK", "HTTP/1.1\t200 OK", "HTTP/1.1 200 \tOK"),
    ("HTTP/1.1 200 OK", "HTTP/1.2 200 OK", "HTTP/1.0 200 OK"),
    ("HTTP/1.1 200 OK", "HTTP/2.0 200 OK", "HTTP/1.1 200 HTTP/2.0"),
    ("HTTP/1.1 200 OK", "http/1.1 200 OK", "HTTP/1.1 200 ok"),
    ("HTTP/1.1 200 OK", "ICY 200 OK", "HTTP/1.1 200 ICY"),
    ("HTTP/1.1 200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 200 "),
    ("HTTP/1.1 200 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 200 0"),
    ("HTTP/1.1 200 OK", "HTTP/1.1 999 OK", "HTTP/1.1 200 999"),
    ("HTTP/1.1 200 OK", "HTTP/1.1 200 O\0K", "HTTP/1.1 200 \u{e9}"),
    ("HTTP/1.1 200 OK", "HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\r\nA: b"),
    ("HTTP/1.1 200 OK", "\r\nHTTP/1.1 200 OK", "HTTP/1.1 200"),
    ("HTTP/1.1 200 OK", "HTTP/1.1 103 A\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK", "HTTP/1.1 103 A\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK"),
    ("Content-Type", " A: b\r\nContent-Type", "A: b\r\nContent-Type"),
    ("Content-Type", "A: b\r\n c\r\nContent-Type", "A: b c\r\nContent-Type"),
    ("Content-Type", "A: b\nContent-Type", "A: b\r\ncontent-Type"),
    ("Content-Type", "A: b\rContent-Type", "A: b\r\nContent-type"),
    ("Content-Type", "A : b\r\nContent-Type", "A: :b\r\nContent-Type"),
    ("Content-Type", ": b\r\nContent-Type", "B: b\r\nContent-Type"),
    ("Content-Type", "A\r\nContent-Type", "A:\r\nContent-Type"),
    ("Content-Type", "A: b\0\r\nContent-Type", "A: \u{e9}\r\nContent-Type"),
    ("Content-Length: 2", "Content-Length: 2\r\nContent-Length: 2", "Content-Length: 2\r\nContent-Lengths: 2"),
    ("Content-Length: 2", "Content-Length: 2\r\ncontent-length: 1", "content-length: 2"),
    ("Content-Length: 2", "Content-Length: 2, 2", "Content-Length:  2"),
    ("Content-Length: 2", "Content-Length: +2", "Content-Length: 2 "),
    ("Content-Length: 2", "Content-Length: 02", "Content-Length:2"),
    ("Content-Length: 2", "Content-Length: 2a", "Content-Length:\t2"),
    ("Content-Length: 2", "Content-Length: -2", "CONTENT-LENGTH: 2"),
    ("Content-Length: 2", "Content-Length:", "Content-Length: 2\r\nA:"),
    ("Content-Length: 2", "Content-Length: 18446744073709551618", "Content-Length: 2\r\nA: 18446744073709551618"),
    ("Content-Length: 2", "Content_Length: 2", "Content-Length: 2\r\nContent_Size: 3"),
    ("Content-Length: 2", "Content-Length : 2", "Content-Length: 2\r\nA: b"),
    ("Content-Length: 2", "Content-Length: 2\r\nTransfer-Encoding: chunked", "Content-Length: 2\r\nTransfer: chunked"),
    ("Content-Length: 2", "Content-Length: 2\r\nTransfer-Encoding: identity", "Content-Length: 2\r\nA: identity"),
    ("200 OK", "204 No Content", "200 No Content"),
    ("200 OK", "205 Reset Content", "200 Reset Content"),
];

#[rustfmt::skip]
const IN_CHUNKED: &[Row] = &[
    ("HTTP/1.1", "HTTP/1.0", "HTTP/1.1"),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding: Chunked"),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "transfer-encoding:  chunked"),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked, chunked", "Transfer-Encoding:chunked"),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nA: chunked"),
    ("Transfer-Encoding: chunked", "Transfer_Encoding: chunked", "Transfer-Encoding: chunked\r\nA: b"),
    ("200 OK", "204 No Content", "200 No Content"),
    ("2\r\nok\r\n", "2 \r\nok\r\n", "02\r\nok\r\n"),
    ("2\r\nok\r\n", "+2\r\nok\r\n", "1\r\no\r\n1\r\nk\r\n"),
    ("2\r\nok\r\n", "0x2\r\nok\r\n", "2;a\r\nok\r\n"),
    ("2\r\nok\r\n", "2\nok\r\n", "2;a=b\r\nok\r\n"),
    ("2\r\nok\r\n", "2\r\nok\n", "002\r\nok\r\n"),
    ("2\r\nok\r\n", "1\r\nok\r\n", "2;a=\"b\"\r\nok\r\n"),
    ("2\r\nok\r\n", "10000000000000002\r\nok\r\n", "0000000000000002\r\nok\r\n"),
    ("2\r\nok\r\n", "2;a\0\r\nok\r\n", "2;a0\r\nok\r\n"),
];

/// Every case: the hostile answer and the honest one.
pub(super) fn cases() -> Vec<(String, String)> {
    let mut cases = Vec::new();
    for (base, rows) in [(FIXED, IN_FIXED), (CHUNKED, IN_CHUNKED)] {
        for (place, hostile, honest) in rows {
            assert!(base.contains(place), "{place}");
            let with = |text| base.replacen(place, text, 1);
            cases.push((with(hostile), with(honest)));
        }
    }
    let with = |text: &str| FIXED.replacen("Content-Type", text, 1);
    let field = |length| with(&format!("A: {}\r\nContent-Type", "a".repeat(length)));
    let fields = |count| with(&format!("{}Content-Type", "A: b\r\n".repeat(count)));
    let interim = |count| format!("{}{FIXED}", "HTTP/1.1 102 Processing\r\n\r\n".repeat(count));
    cases.extend([
        (field(8200), field(4000)),
        (fields(17), fields(8)),
        (interim(33), interim(32)),
    ]);
    cases
}
