//! Requests that two servers would read in two ways, each beside an honest one that differs as little as can be.

/// A request in which one text is put in place of another: by a hostile client, and by an honest one.
pub(super) struct Case {
    pub(super) base: &'static str,
    pub(super) place: &'static str,
    pub(super) hostile: String,
    pub(super) honest: String,
    pub(super) code: &'static str,
}

pub(super) const GET: &str = "GET /open/a HTTP/1.1\r\nHost: app.test\r\nAuthorization: Bearer {token}\r\n\
    Connection: close\r\n\r\n";
pub(super) const POST: &str = "POST /open/a HTTP/1.1\r\nHost: app.test\r\nAuthorization: Bearer {token}\r\n\
    Connection: close\r\nContent-Length: 5\r\n\r\nhello";
pub(super) const CHUNKED: &str = "POST /open/a HTTP/1.1\r\nHost: app.test\r\nAuthorization: Bearer {token}\r\n\
    Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

const AMBIGUOUS: &str = "ambiguous-request";

/// What a hostile client writes in one place, and what an honest one does.
type Row = (&'static str, &'static str);

/// In place of the first line.
#[rustfmt::skip]
const LINES: &[Row] = &[
    ("GET  /open/a HTTP/1.1", "GET /open/b HTTP/1.1"),
    ("GET /open/a  HTTP/1.1", "GET /open/a?b HTTP/1.1"),
    ("GET\t/open/a HTTP/1.1", "GET /open/a/ HTTP/1.1"),
    ("GET /open/a\tHTTP/1.1", "GET /open/a?b=c HTTP/1.1"),
    (" GET /open/a HTTP/1.1", "HEAD /open/a HTTP/1.1"),
    ("\tGET /open/a HTTP/1.1", "DELETE /open/a HTTP/1.1"),
    ("GET /open/a HTTP/1.1 ", "GET /open/a HTTP/1.0"),
    ("GET /open/a HTTP/1.1 x", "PUT /open/a HTTP/1.1"),
    ("GET /open/a b HTTP/1.1", "GET /open/a+b HTTP/1.1"),
    ("GET /open/a", "PATCH /open/a HTTP/1.1"),
    ("GET", "GET /open/get HTTP/1.1"),
    ("/open/a HTTP/1.1", "OPTIONS /open/a HTTP/1.1"),
    ("G ET /open/a HTTP/1.1", "G-ET /open/a HTTP/1.1"),
    ("G(T /open/a HTTP/1.1", "G!T /open/a HTTP/1.1"),
    ("get /open/a HTTP/1.1", "GETS /open/a HTTP/1.1"),
    ("Get /open/a HTTP/1.1", "G.E.T /open/a HTTP/1.1"),
    ("dELETE /open/a HTTP/1.1", "DELETES /open/a HTTP/1.1"),
    ("PRI /open/a HTTP/1.1", "PRINT /open/a HTTP/1.1"),
    ("GET: /open/a HTTP/1.1", "GET /open/: HTTP/1.1"),
    ("GET /open/a\0 HTTP/1.1", "GET /open/a0 HTTP/1.1"),
    ("GET /open/\x01a HTTP/1.1", "GET /open/1a HTTP/1.1"),
    ("GET /open/\x7fa HTTP/1.1", "GET /open/~a HTTP/1.1"),
    ("GET /open/<a> HTTP/1.1", "GET /open/%3Ca%3E HTTP/1.1"),
    ("GET /open/a\\b HTTP/1.1", "GET /open/a|b HTTP/1.1"),
    ("GET /open/a#b HTTP/1.1", "GET /open/a%23b HTTP/1.1"),
    ("GET /open/a?b#c HTTP/1.1", "GET /open/a?b%23c HTTP/1.1"),
    ("GET /open/\u{e9} HTTP/1.1", "GET /open/%C3%A9 HTTP/1.1"),
    ("GET /open/a\x0bHTTP/1.1", "GET /open/a?b=%22 HTTP/1.1"),
    ("GET /open/a\rb HTTP/1.1", "GET /open/a.b HTTP/1.1"),
    ("GET /open/a\nb HTTP/1.1", "GET /open/a_b HTTP/1.1"),
    ("GET open/a HTTP/1.1", "GET /open/open/a HTTP/1.1"),
    ("GET * HTTP/1.1", "GET /open/* HTTP/1.1"),
    ("POST * HTTP/1.1", "POST /open/* HTTP/1.1"),
    ("GET app.test:80 HTTP/1.1", "GET /open/app.test:80 HTTP/1.1"),
    ("CONNECT /open/a HTTP/1.1", "CONNECTED /open/a HTTP/1.1"),
    ("CONNECT app.test HTTP/1.1", "CONNEC /open/app.test HTTP/1.1"),
    ("GET http://other.test/open/a HTTP/1.1", "GET /open/other.test/open/a HTTP/1.1"),
    ("GET http://app.test:80/open/a HTTP/1.1", "GET /open/a?b=app.test:80 HTTP/1.1"),
    ("GET http://u@app.test/open/a HTTP/1.1", "GET /open/u@app.test HTTP/1.1"),
    ("GET http:///open/a HTTP/1.1", "GET /open/a?http HTTP/1.1"),
    ("GET HTTPS://other.test HTTP/1.1", "GET /open/HTTPS: HTTP/1.1"),
    ("GET file:///open/a HTTP/1.1", "GET /open/file: HTTP/1.1"),
    ("GET /open/a http/1.1", "GET /open/http/1.1 HTTP/1.1"),
    ("GET /open/a HTTP/1.10", "GET /open/1.10 HTTP/1.1"),
    ("GET /open/a HTTP/01.1", "GET /open/01.1 HTTP/1.1"),
    ("GET /open/a HTTP/1", "GET /open/1 HTTP/1.1"),
    ("GET /open/a HTTP /1.1", "GET /open/HTTP HTTP/1.1"),
    ("GET /open/a HTP/1.1", "GET /open/HTP HTTP/1.1"),
    ("GET /open/a HTTP/+1.1", "GET /open/+1.1 HTTP/1.1"),
    ("\n\nGET /open/a HTTP/1.1", "GET /open/lf HTTP/1.1"),
    ("\r\n\r\nGET /open/a HTTP/1.1", "\r\nGET /open/a HTTP/1.1"),
];

/// In place of the first line: versions that are not spoken here.
const VERSIONS: &[Row] = &[
    ("GET /open/a HTTP/0.9", "GET /open/0.9 HTTP/1.0"),
    ("GET /open/a HTTP/1.2", "GET /open/1.2 HTTP/1.1"),
    ("GET /open/a HTTP/2.0", "GET /open/2.0 HTTP/1.1"),
    ("GET /open/a HTTP/3.0", "GET /open/3.0 HTTP/1.1"),
    ("GET /open/a HTTP/9.9", "GET /open/9.9 HTTP/1.1"),
];

/// In place of `Host: app.test`.
#[rustfmt::skip]
const HOSTS: &[Row] = &[
    ("X-Host: app.test", "Host: app.test\r\nX-Host: app.test"),
    ("Host: app.test\r\nHost: app.test", "Host: app.test\r\nHosts: app.test"),
    ("Host: app.test\r\nhost: other.test", "Host: app.test\r\nX-Host: other.test"),
    ("Host: app.test, other.test", "Host: app.test\r\nVia: 1.1 a, 1.1 b"),
    ("Host: app.test other.test", "Host: app-test.other"),
    ("Host: u@app.test", "Host: u.app.test"),
    ("Host: u:p@app.test", "Host: app.test:8080"),
    ("Host:", "Host:app.test"),
    ("Host: ", "Host: a"),
    ("Host: http://app.test", "Host: http.app.test"),
    ("Host: app.test/open", "Host: app.test.open"),
    ("Host: app.test?a", "Host: app.test.a"),
    ("Host: app.test#a", "Host: a.app.test"),
    ("Host: app.test\\a", "Host: app.test"),
    ("Host: app%2etest", "Host: app_test"),
    ("Host: app.test:", "Host: app.test:1"),
    ("Host: app.test:0", "Host: app.test:80"),
    ("Host: app.test:65536", "Host: app.test:65535"),
    ("Host: app.test:80:80", "Host: [::1]:80"),
    ("Host: app.test:+80", "Host: 127.0.0.1:80"),
    ("Host: [::1", "Host: [::1]"),
    ("Host: ::1", "Host: [2001:db8::1]"),
    ("Host: [1:2:3]", "Host: [1:2:3:4:5:6:7:8]"),
    ("Host: [:::]", "Host: [::]"),
    ("Host: [12345::1]", "Host: [1234::1]:80"),
    ("Host: app..test", "Host: app.test."),
    ("Host: .app.test", "Host: a.app.test"),
    ("Host: .", "Host: -"),
    ("Host: app.test:080", "Host: app.test:8080"),
    ("Host: [::1]80", "Host: [::ffff:127.0.0.1]:80"),
    ("Host: \u{e9}.test", "Host: xn--9ca.test"),
    ("Host: app.test\0", "Host: app.test0"),
    ("Host:\tapp.test", "Host: APP.TEST"),
    ("Host: app.test\t", "host: app.test"),
    ("Host:  app.test", "HOST: app.test"),
    ("H_st: a\r\nHost : app.test", "H_st: a\r\nHost: app.test"),
];

/// In place of `Connection: close`.
#[rustfmt::skip]
const FIELDS: &[Row] = &[
    ("Connection: close\n", "Connection: close\r\nA: b"),
    ("Connection: close\nA: b", "Connection: close\r\nA: b"),
    ("Connection: close\rA: b", "Connection: close\r\nA: b"),
    ("Connection: close\r\rA: b", "Connection: close\r\nA: b"),
    ("Connection: close\r\n A: b", "Connection: close\r\nA: b"),
    ("Connection: close\r\n\tA: b", "Connection: close\r\nA:\tb"),
    ("Connection: close\r\n ", "Connection: close\r\nA: "),
    ("Connection: close\r\nA : b", "Connection: close\r\nA:  b"),
    ("Connection: close\r\nA\t: b", "Connection: close\r\nA:b\t"),
    ("Connection: close\r\nA B: b", "Connection: close\r\nA-B: b"),
    ("Connection: close\r\n: b", "Connection: close\r\nA: :b"),
    ("Connection: close\r\n:", "Connection: close\r\nA:"),
    ("Connection: close\r\nA", "Connection: close\r\nA:A"),
    ("Connection: close\r\nA;b", "Connection: close\r\nA:;b"),
    ("Connection: close\r\n\"A\": b", "Connection: close\r\nA: \"b\""),
    ("Connection: close\r\nA\0: b", "Connection: close\r\nA0: b"),
    ("Connection: close\r\n\u{e9}: b", "Connection: close\r\nA: \u{e9}"),
    ("Connection: close\r\nA: b\0c", "Connection: close\r\nA: b0c"),
    ("Connection: close\r\nA: b\x08c", "Connection: close\r\nA: b8c"),
    ("Connection: close\r\nA: b\x7fc", "Connection: close\r\nA: b~c"),
    ("Connection: close\r\nA: b\x0cc", "Connection: close\r\nA: b\tc"),
    ("Connection: close\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", "Connection: close\r\nContent-Length: 0"),
    ("Connection: close\r\nContent_Length: 5", "Connection: close\r\nOdd_Size: 5"),
    ("Connection: close\r\nTransfer_Encoding: chunked", "Connection: close\r\nTransfer_Size: 5"),
    ("Connection: close x", "Connection: close, x"),
    ("Connection: \"close\"", "Connection: ,close,"),
    ("Connection: close;x", "Connection: close, x\r\nX: 1"),
    ("Connection: \u{e9}", "Connection: CLOSE"),
    ("Connection: content-length", "Connection: x-length, close"),
    ("Connection: Content_Type", "Connection: x-content-type, close"),
    ("Connection: Transfer-Encoding", "Connection: TE, close\r\nTE: trailers"),
    ("Connection: host", "Connection: keep-alive, close"),
    ("Connection: Authorization", "Connection: x-author, close"),
    ("Connection: close, Cookie", "Connection: close, x-cookies"),
    ("Connection: X-Forwarded-For", "Connection: http2-settings, close"),
    ("Connection: X-Forwarded-User", "Connection: x-forward, close"),
    ("Connection: If-Match", "Connection: iff-match, close"),
    ("Connection: x-http-method-override", "Connection: x-http-note, close"),
    ("Connection: close\r\nExpect: 200-ok", "Connection: close\r\nExpect: 100-continue"),
    ("Connection: close\r\nExpect:", "Connection: close\r\nExpect: 100-Continue"),
    ("Connection: close\r\nExpect: y 100-continue", "Connection: close\r\nX-Expect: y 100-continue"),
    ("Connection: close\r\nExpect: 100-continue, x", "Connection: close\r\nExpects: x"),
    ("Connection: close\r\nExpect: 100-continue\r\nExpect: 100-continue", "Connection: close\r\nExpected: x"),
    ("Connection: close\r\nTrailer: Content-Length", "Connection: close\r\nTrailer: X-Length"),
    ("Connection: close\r\nTrailer: x, Transfer_Encoding", "Connection: close\r\nTrailer: x, y"),
    ("Connection: close\r\nTrailer: x y", "Connection: close\r\nTrailer: ,x"),
    ("Connection: close\r\nX-HTTP-DestinationURL: /b", "Connection: close\r\nX-HTTP-Destination: /b"),
    ("Connection: close\r\nX-Waws-Unencoded-Url: /b", "Connection: close\r\nX-Waws: /b"),
    ("Connection: close\r\nContent.Length: 5", "Connection: close\r\nContentLength: 5"),
];

/// In place of `Content-Length: 5`.
#[rustfmt::skip]
const LENGTHS: &[Row] = &[
    ("Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5\r\nContent-Lengths: 5"),
    ("Content-Length: 5\r\ncontent-length: 6", "content-length: 5"),
    ("Content-Length: 5, 5", "CONTENT-LENGTH: 5"),
    ("Content-Length: 5,", "Content-Length: 5\r\nA: ,"),
    ("Content-Length: +5", "Content-Length: 5\r\nA: +5"),
    ("Content-Length: -5", "Content-Length: 5\r\nA: -5"),
    ("Content-Length: 05", "Content-Length: 5\r\nA: 05"),
    ("Content-Length:  5", "Content-Length:5"),
    ("Content-Length: 5 ", "Content-Length: 5\r\nA: b "),
    ("Content-Length:\t5", "Content-Length: 5\r\nA:\tb"),
    ("Content-Length: 0x5", "Content-Length: 5\r\nA: 0x5"),
    ("Content-Length: 5.0", "Content-Length: 5\r\nA: 5.0"),
    ("Content-Length: 5e0", "Content-Length: 5\r\nA: 5e0"),
    ("Content-Length: 5_", "Content-Length: 5\r\nA: 5_"),
    ("Content-Length: 5;a", "Content-Length: 5\r\nA: 5;a"),
    ("Content-Length: \"5\"", "Content-Length: 5\r\nA: \"5\""),
    ("Content-Length:", "Content-Length: 5\r\nA:"),
    ("Content-Length: five", "Content-Length: 5\r\nA: five"),
    ("Content-Length: 18446744073709551621", "Content-Length: 5\r\nA: 18446744073709551621"),
    ("Content-Length: 9223372036854775808", "Content-Length: 5\r\nA: 9223372036854775808"),
    ("Content-Length : 5", "Content-Length: 5\r\nA: :"),
    ("Content-Length: 5\r\n 0", "Content-Length: 5\r\nA: 0"),
    ("Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: 5\r\nTransfer: chunked"),
    ("Content-Length: \u{665}", "Content-Length: 5\r\nA: \u{665}"),
];

/// In place of `Transfer-Encoding: chunked`.
#[rustfmt::skip]
const CODINGS: &[Row] = &[
    ("Transfer-Encoding: Chunked", "transfer-encoding: chunked"),
    ("Transfer-Encoding: CHUNKED", "TRANSFER-ENCODING: chunked"),
    ("Transfer-Encoding: chunked, chunked", "Transfer-Encoding: chunked\r\nA: chunked, chunked"),
    ("Transfer-Encoding: chunked, identity", "Transfer-Encoding: chunked\r\nA: identity"),
    ("Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked\r\nAccept-Encoding: gzip"),
    ("Transfer-Encoding: gzip", "Transfer-Encoding: chunked\r\nA: gzip"),
    ("Transfer-Encoding: identity", "Transfer-Encoding: chunked\r\nAccept-Encoding: identity"),
    ("Transfer-Encoding: ,chunked", "Transfer-Encoding: chunked\r\nA: ,chunked"),
    ("Transfer-Encoding: chunked,", "Transfer-Encoding: chunked\r\nA: chunked,"),
    ("Transfer-Encoding: xchunked", "Transfer-Encoding: chunked\r\nA: xchunked"),
    ("Transfer-Encoding: chunkedx", "Transfer-Encoding: chunked\r\nA: chunkedx"),
    ("Transfer-Encoding: chunked;q=1", "Transfer-Encoding: chunked\r\nTE: trailers;q=1"),
    ("Transfer-Encoding: \"chunked\"", "Transfer-Encoding: chunked\r\nA: \"chunked\""),
    ("Transfer-Encoding:\tchunked", "Transfer-Encoding:chunked"),
    ("Transfer-Encoding:  chunked", "Transfer-Encoding: chunked\r\nA:  b"),
    ("Transfer-Encoding: chunked ", "Transfer-Encoding: chunked\r\nA: b "),
    ("Transfer-Encoding: chunked\t", "Transfer-Encoding: chunked\r\nA: b\t"),
    ("Transfer-Encoding: \x0bchunked", "Transfer-Encoding: chunked\r\nA: b"),
    ("Transfer-Encoding: chunked\0", "Transfer-Encoding: chunked\r\nA: 0"),
    ("Transfer-Encoding:", "Transfer-Encoding: chunked\r\nA:"),
    ("Transfer-Encoding:\r\n chunked", "Transfer-Encoding: chunked\r\nA: c"),
    ("Transfer-Encoding : chunked", "Transfer-Encoding: chunked\r\nA: d"),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nA: chunked"),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "Transfer-Encoding: chunked\r\nTransfer-Encodings: a"),
    ("Transfer-Encoding: chunked\r\nContent-Length: 5", "Transfer-Encoding: chunked\r\nContent-Lengths: 5"),
    ("Transfer-Encoding: chunked\r\nContent-Length: 0", "Transfer-Encoding: chunked\r\nLength: 0"),
    ("Transfer_Encoding: chunked", "Transfer-Encoding: chunked\r\nTransferEncoding: a"),
];

/// In place of the chunked body `5\r\nhello\r\n0\r\n\r\n`: what goes wrong after a head that is well.
#[rustfmt::skip]
pub(super) const CHUNKS: &[Row] = &[
    ("+5\r\nhello\r\n0\r\n\r\n", "05\r\nhello\r\n0\r\n\r\n"),
    ("-5\r\nhello\r\n0\r\n\r\n", "1\r\nh\r\n4\r\nello\r\n0\r\n\r\n"),
    ("0x5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n00\r\n\r\n"),
    (" 5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0;a\r\n\r\n"),
    ("5 \r\nhello\r\n0\r\n\r\n", "5;a\r\nhello\r\n0\r\n\r\n"),
    ("5\t\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n0\r\n\r\n"),
    ("5_\r\nhello\r\n0\r\n\r\n", "5;_\r\nhello\r\n0\r\n\r\n"),
    ("\r\nhello\r\n0\r\n\r\n", "5;a=\"b\"\r\nhello\r\n0\r\n\r\n"),
    ("five\r\nhello\r\n0\r\n\r\n", "5;five\r\nhello\r\n0\r\n\r\n"),
    ("5,5\r\nhello\r\n0\r\n\r\n", "5;a=\"5,5\"\r\nhello\r\n0\r\n\r\n"),
    ("10000000000000005\r\nhello\r\n0\r\n\r\n", "0000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("ffffffffffffffff\r\nhello\r\n0\r\n\r\n", "5;ffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    ("00000000000000005\r\nhello\r\n0\r\n\r\n", "005\r\nhello\r\n0\r\n\r\n"),
    ("5\nhello\r\n0\r\n\r\n", "5\r\nhe\nlo\r\n0\r\n\r\n"),
    ("5\rhello\r\n0\r\n\r\n", "5\r\nhe\rlo\r\n0\r\n\r\n"),
    ("5\r\nhello\n0\r\n\r\n", "5\r\nhell\n\r\n0\r\n\r\n"),
    ("5\r\nhello0\r\n\r\n", "5\r\nhell0\r\n0\r\n\r\n"),
    ("5\r\nhello!\r\n0\r\n\r\n", "5\r\nhell!\r\n0\r\n\r\n"),
    ("5\r\nhello\r0\r\n\r\n", "5\r\nhell\r\r\n0\r\n\r\n"),
    ("4\r\nhello\r\n0\r\n\r\n", "6\r\nhello!\r\n0\r\n\r\n"),
    ("5;a\nb\r\nhello\r\n0\r\n\r\n", "5;a;b\r\nhello\r\n0\r\n\r\n"),
    ("5;a\rb\r\nhello\r\n0\r\n\r\n", "5;ab\r\nhello\r\n0\r\n\r\n"),
    ("5;\r\nhello\r\n0\r\n\r\n", "5;a=b;c=d\r\nhello\r\n0\r\n\r\n"),
    ("5; a\r\nhello\r\n0\r\n\r\n", "5;a=\" \"\r\nhello\r\n0\r\n\r\n"),
    ("5;a=\r\nhello\r\n0\r\n\r\n", "5;a=1\r\nhello\r\n0\r\n\r\n"),
    ("5;a=\"b\r\nhello\r\n0\r\n\r\n", "5;a=\"b\\\"\"\r\nhello\r\n0\r\n\r\n"),
    ("5;a\0\r\nhello\r\n0\r\n\r\n", "5;a0\r\nhello\r\n0\r\n\r\n"),
    ("5\r\nhello\r\n0\n\n", "5\r\nhello\r\n0\r\n\r\n"),
    ("5\r\nhello\r\n0\r\n\n", "5\r\nhello\r\n000\r\n\r\n"),
    ("5\r\nhello\r\n0\r\nX-Sum: 1\n\r\n", "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
    ("5\r\nhello\r\n0\r\nX-Sum : 1\r\n\r\n", "5\r\nhello\r\n0\r\nX-Sum:1\r\n\r\n"),
    ("5\r\nhello\r\n0\r\nX-Sum: 1\r\n 2\r\n\r\n", "5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n"),
    ("5\r\nhello\r\n0\r\nX-Sum\r\n\r\n", "5\r\nhello\r\n0\r\nX-Sum:\r\n\r\n"),
    ("5\r\nhello\r\n0\r\n: 1\r\n\r\n", "5\r\nhello\r\n0\r\nX: :1\r\n\r\n"),
    ("5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n", "5\r\nhello\r\n0\r\nX-Length: 5\r\n\r\n"),
    ("5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n0\r\nX-Coding: a\r\n\r\n"),
    ("5\r\nhello\r\n0\r\ntransfer_encoding: chunked\r\n\r\n", "5\r\nhello\r\n0\r\nX_Coding: a\r\n\r\n"),
    ("5\r\nhello\r\n0\r\nHost: other.test\r\n\r\n", "5\r\nhello\r\n0\r\nX-Hosts: a\r\n\r\n"),
    ("5\r\nhello\r\n0\r\nAuthorization: Bearer x\r\n\r\n", "5\r\nhello\r\n0\r\nX-Author: a\r\n\r\n"),
    ("5\r\nhello\r\n0\r\nChaperone-Capability: x\r\n\r\n", "5\r\nhello\r\n0\r\nX-Chaperone: a\r\n\r\n"),
    ("5\r\nhello\r\n0\r\nCookie: a=b\r\n\r\n", "5\r\nhello\r\n0\r\nX-Cookies: a\r\n\r\n"),
    ("5\r\nhello\r\n0\r\nForwarded: for=x\r\n\r\n", "5\r\nhello\r\n0\r\nForward: a\r\n\r\n"),
    ("5\r\nhello\r\n0\r\nContent-Type: text/html\r\n\r\n", "5\r\nhello\r\n0\r\nContent-MD5: a\r\n\r\n"),
];

/// Every case. Bytes and fields of a head are bounded to 8 KiB and 16.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |base, place, rows: &[Row], code| {
        cases.extend(rows.iter().map(|(hostile, honest)| Case {
            base,
            place,
            hostile: (*hostile).to_owned(),
            honest: (*honest).to_owned(),
            code,
        }));
    };
    add(GET, "GET /open/a HTTP/1.1", LINES, AMBIGUOUS);
    add(GET, "GET /open/a HTTP/1.1", VERSIONS, "version-unsupported");
    add(GET, "Host: app.test", HOSTS, AMBIGUOUS);
    add(GET, "Connection: close", FIELDS, AMBIGUOUS);
    add(POST, "Content-Length: 5", LENGTHS, AMBIGUOUS);
    add(CHUNKED, "Transfer-Encoding: chunked", CODINGS, AMBIGUOUS);
    add(CHUNKED, "5\r\nhello\r\n0\r\n\r\n", CHUNKS, AMBIGUOUS);
    add(CHUNKED, "HTTP/1.1", &[("HTTP/1.0", "HTTP/1.1")], AMBIGUOUS);
    add(
        POST,
        "POST /open/a",
        &[("CONNECT app.test:80", "POST /open/b")],
        AMBIGUOUS,
    );
    let long = |base, place, hostile: String, honest: String, code| Case {
        base,
        place,
        hostile,
        honest,
        code,
    };
    let target = |length| format!("/open/{}", "a".repeat(length));
    let field = |length| format!("Connection: close\r\nA: {}", "a".repeat(length));
    let fields = |count| format!("Connection: close{}", "\r\nA: a".repeat(count));
    let extension = |length| format!("5;{}\r\nhello", "a".repeat(length));
    let trailer = |length| format!("0\r\nX: {}\r\n", "a".repeat(length));
    cases.extend([
        long(
            GET,
            "/open/a",
            target(8200),
            target(4000),
            "target-too-long",
        ),
        long(
            GET,
            "Connection: close",
            field(8200),
            field(4000),
            "head-too-large",
        ),
        long(
            GET,
            "Connection: close",
            field(100_000),
            field(6000),
            "head-too-large",
        ),
        long(
            GET,
            "Connection: close",
            fields(17),
            fields(8),
            "head-too-large",
        ),
        long(
            CHUNKED,
            "5\r\nhello",
            extension(300),
            extension(250),
            AMBIGUOUS,
        ),
        long(
            CHUNKED,
            "0\r\n",
            trailer(8200),
            trailer(4000),
            "head-too-large",
        ),
    ]);
    cases
}
