//! Fields that name another method, wherever a body is cut.

use http::{HeaderMap, HeaderValue, Method};

use super::{Fields, Guard, Guarded, check_query, may_name_method};
use crate::types::{ReasonCode, Target};

fn headers(types: &[&str], coding: Option<&'static str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for text in types {
        headers.append("content-type", HeaderValue::from_str(text).unwrap());
    }
    if let Some(coding) = coding {
        headers.insert("content-encoding", HeaderValue::from_static(coding));
    }
    headers
}

/// What the guard says about `body` where no other method is judged alike.
fn judge(kind: &str, body: &str) -> Option<ReasonCode> {
    judge_by(&[Method::POST], kind, body)
}

/// What the guard says about `body`, which must not depend on where it is cut.
fn judge_by(methods: &[Method], kind: &str, body: &str) -> Option<ReasonCode> {
    let types: &[&str] = if kind.is_empty() { &[] } else { &[kind] };
    let fields = Fields::of(&headers(types, None)).unwrap();
    let mut verdicts = Vec::new();
    for size in [1, 2, 3, 7, body.len().max(1)] {
        let mut guard: Option<Guard> = Guarded::new((), fields.as_ref(), methods).guard;
        let mut pieces = body.as_bytes().chunks(size);
        let mut look = |piece: &[u8]| guard.as_mut().map_or(Ok(()), |guard| guard.look(piece));
        let verdict = pieces.try_for_each(&mut look);
        let verdict = verdict.and_then(|()| guard.as_mut().map_or(Ok(()), Guard::finish));
        verdicts.push(verdict.err().map(|refusal| refusal.code));
    }
    verdicts.dedup();
    assert_eq!(verdicts.len(), 1, "{body}");
    verdicts.pop().unwrap()
}

#[test]
fn refuses_other_methods_in_pairs() {
    let form = "application/x-www-form-urlencoded";
    let padded = format!("{}_method=DELETE", "+".repeat(5000));
    for body in [
        "_method=DELETE",
        "a=1&_method=DELETE",
        "a=1;_method=DELETE",
        "%5Fmethod=DELETE",
        "%5f%6D%65thod=DELETE",
        "_METHOD=delete",
        "+_method=x",
        "%20.method=x",
        "_method[]=x",
        "_method%00=x",
        "X-HTTP-Method-Override=PUT",
        "_method=",
        &padded,
    ] {
        assert_eq!(
            judge(form, body),
            Some(ReasonCode::AmbiguousRequest),
            "{body}"
        );
        assert_eq!(
            judge("", body),
            Some(ReasonCode::AmbiguousRequest),
            "{body}"
        );
        assert_eq!(judge("text/plain", body), None, "{body}");
    }
    for body in [
        "",
        "method=card",
        "payment_method=card",
        "a=_method%3DDELETE",
        "a=_method=DELETE",
        "user[_method]=x",
        "_methods=1",
        "_method",
    ] {
        assert_eq!(judge(form, body), None, "{body}");
    }
}

#[test]
fn refuses_other_methods_in_parts() {
    let form = "multipart/form-data; boundary=b";
    let part = |disposition: &str| {
        format!("--b\r\nContent-Disposition: {disposition}\r\n\r\nDELETE\r\n--b--\r\n")
    };
    for disposition in [
        "form-data; name=\"_method\"",
        "form-data; name=_method",
        "FORM-DATA; NAME=\"_METHOD\"",
        "form-data; filename=\"a\"; name=\"_method\"",
        "form-data; name=\"_method[]\"",
        "attachment; name=\"_method\"",
    ] {
        assert_eq!(
            judge(form, &part(disposition)),
            Some(ReasonCode::AmbiguousRequest),
            "{disposition}"
        );
    }
    for disposition in [
        "form-data; name=\"a\"; name=\"_method\"",
        "form-data; name=\"a\\\"; name=\"_method\"",
        "form-data; filename=\"a\\\"; name=\"_method\"",
        "form-data; name*=utf-8''_method",
        "form-data; name=\"_meth\\od\"",
        "form-data;\r\n name=\"_method\"",
    ] {
        assert_eq!(
            judge(form, &part(disposition)),
            Some(ReasonCode::RequestMalformed),
            "{disposition}"
        );
    }
    for disposition in [
        "form-data; name=\"method\"",
        "form-data; name=\"a\"; filename=\"C:\\dir\\_method=x.txt\"",
        "form-data; name=\"a;b\"",
    ] {
        assert_eq!(judge(form, &part(disposition)), None, "{disposition}");
    }
    assert_eq!(
        judge("multipart/mixed; boundary=b", &part("x; name=_method")),
        Some(ReasonCode::AmbiguousRequest)
    );
    assert_eq!(
        judge("multipart/mixed; boundary=b", "--b\r\n\r\nx\r\n--b--"),
        None
    );
}

#[test]
fn refuses_forms_with_two_readings() {
    let form = "application/x-www-form-urlencoded";
    for (types, coding) in [
        (&[form, form][..], None),
        (&[form, "text/plain"], None),
        (&["text/plain", form], None),
        (&["text/plain, multipart/form-data"], None),
        (&[form], Some("gzip")),
        (&["application/x-www-form-urlencoded; charset=utf-16"], None),
        (&["multipart/form-data"], None),
        (&["multipart/form-data; boundary="], None),
        (&["multipart/form-data; boundary=a; boundary=b"], None),
        (&["multipart/form-data; boundary=a; Boundary=b"], None),
        (&["multipart/form-data; boundary*0=a"], None),
        (&["multipart/form-data; boundary=\"a,b\\c\""], None),
    ] {
        let fields = headers(types, coding);
        let refusal = Fields::of(&fields).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::RequestUnreadable, "{types:?}");
    }
    let plain = headers(&["text/plain"], Some("gzip"));
    assert_eq!(Fields::of(&plain).unwrap(), None);
    let quoted = headers(&["multipart/form-data; boundary=\"a:b\""], Some("identity"));
    assert!(matches!(
        Fields::of(&quoted).unwrap(),
        Some(Fields::Parts(_))
    ));
}

#[test]
fn lets_methods_pass_that_are_judged_alike() {
    let form = "application/x-www-form-urlencoded";
    let parts = "multipart/form-data; boundary=b";
    let part = |value: &str| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\n{value}\r\n--b--\r\n"
        )
    };
    let alike = [Method::POST, Method::PATCH];
    for method in ["PATCH", "patch", "Post"] {
        for body in [
            format!("_method={method}"),
            format!("_method={method}&a=1"),
            format!("a;_method={method};b"),
        ] {
            assert_eq!(judge_by(&alike, form, &body), None, "{body}");
        }
        assert_eq!(judge_by(&alike, parts, &part(method)), None, "{method}");
    }
    let long = "PATCH".repeat(10);
    for method in ["DELETE", "", "PATC", "PATCHES", "%50ATCH", "PATCH ", &long] {
        for body in [
            format!("_method={method}"),
            format!("_method=PATCH&_method={method}"),
            format!("_method={method};_method=PATCH"),
        ] {
            let ambiguous = Some(ReasonCode::AmbiguousRequest);
            assert_eq!(judge_by(&alike, form, &body), ambiguous, "{body}");
        }
        assert_eq!(
            judge_by(&alike, parts, &part(method)),
            Some(ReasonCode::AmbiguousRequest),
            "{method}"
        );
    }
    let open = part("DELETE").replace("\r\n--b--\r\n", "");
    assert_eq!(
        judge_by(&alike, parts, &open),
        Some(ReasonCode::AmbiguousRequest)
    );
}

#[test]
fn reads_queries_like_forms() {
    let check = |raw: &str| check_query(&Target::parse(raw).unwrap(), &[Method::POST, Method::PUT]);
    for raw in [
        "/a",
        "/a?_method=put",
        "/a?_method=POST&x=1",
        "/a?method=DELETE",
    ] {
        assert!(check(raw).is_ok(), "{raw}");
    }
    for raw in [
        "/a?_method=DELETE",
        "/a?_method=PUT&_method=DELETE",
        "/a?x;_method=DELETE",
        "/a?_method",
        "/a?_method=PUT;x",
    ] {
        assert!(check(raw).is_err(), "{raw}");
    }
    let may = |raw: &str, kind: &str, has_body: bool| {
        may_name_method(
            &Target::parse(raw).unwrap(),
            &headers(&[kind], None),
            has_body,
        )
    };
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    assert!(may("/a?x;_method=PUT", json, false));
    assert!(may("/a", form, true) && !may("/a", form, false));
    assert!(!may("/a?x=_method", json, true));
}

#[test]
fn refuses_names_that_end_or_decode_in_two_ways() {
    let form = "application/x-www-form-urlencoded";
    let ambiguous = Some(ReasonCode::AmbiguousRequest);
    let long = "a".repeat(1100);
    for (body, without_type) in [
        (format!("{}_method=DELETE", "%20".repeat(341)), ambiguous),
        (format!("{}_method=DELETE", "%20".repeat(342)), ambiguous),
        (format!("{}_method=DELETE", "]".repeat(1020)), ambiguous),
        (format!("{}_method=DELETE", "%5D".repeat(342)), ambiguous),
        (format!("_method%00{long}=DELETE"), ambiguous),
        (format!("_method[{long}=DELETE"), ambiguous),
        (format!("{long}=x"), None),
        ("a%00b=x".to_owned(), None),
        ("]_method=DELETE".to_owned(), ambiguous),
        ("[]_method=DELETE".to_owned(), ambiguous),
        ("%5D_method=DELETE".to_owned(), ambiguous),
        ("%u005fmethod=DELETE".to_owned(), ambiguous),
        ("%U005Fmethod=DELETE".to_owned(), ambiguous),
        ("%5_method=DELETE".to_owned(), None),
        ("a%=x".to_owned(), None),
    ] {
        assert_eq!(judge(form, &body), ambiguous, "{body}");
        assert_eq!(judge("", &body), without_type, "{body}");
    }
    for body in [
        format!("{}method=DELETE", "%20".repeat(341)),
        format!("a={}&b=%_method", "b".repeat(5000)),
        format!("{{\"a\": \"50% off {long}\"}}"),
        "a[%5D]=x&]b=y&%C3%A9=z".to_owned(),
    ] {
        assert_eq!(judge(form, &body), None, "{body}");
    }
}

#[test]
fn refuses_a_second_boundary() {
    for (kind, twin) in [
        ("xboundary=evil; boundary=b", "xbound=evil; boundary=b"),
        (
            "x=\"boundary=evil;\"; boundary=b",
            "x=\"evil;\"; boundary=b",
        ),
        ("boundary=b; x=\"Boundary=evil\"", "boundary=b; x=\"evil\""),
        ("boundary=\"boundary=b\"", "boundary=\"bound=b\""),
        ("boundary=\"b,c\"", "boundary=\"b.c\""),
        (
            "boundary=WebKitFormBoundary; x=boundary",
            "boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
        ),
        ("boundary=a; BOUNDARY=b", "BOUNDARY=----geckoformboundary7a"),
    ] {
        let of =
            |rest: &str| Fields::of(&headers(&[&format!("multipart/form-data; {rest}")], None));
        let refusal = of(kind).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::RequestUnreadable, "{kind}");
        assert!(matches!(of(twin), Ok(Some(Fields::Parts(_)))), "{twin}");
    }
}

/// What the guard says about one part with this head and the value `DELETE`.
fn judge_part(head: &str) -> Option<ReasonCode> {
    let body = format!("--b\r\n{head}\r\n\r\nDELETE\r\n--b--\r\n");
    judge("multipart/form-data; boundary=b", &body)
}

#[test]
fn refuses_heads_in_which_readers_find_another_name() {
    let ambiguous = Some(ReasonCode::AmbiguousRequest);
    for name in [
        "]_method",
        "[]_method",
        "[_method]",
        "%5D_method",
        "%5Fmethod",
    ] {
        let head = format!("Content-Disposition: form-data; name=\"{name}\"");
        assert_eq!(judge_part(&head), ambiguous, "{head}");
    }
    let disposition = "Content-Disposition: form-data; name=\"a\"";
    for head in [
        "Content-Disposition: form-data; name='_method'",
        "Content-Disposition: form-data; name=\"'_method'\"",
        "Content-Disposition: form-data; filename='a; name=\"b\"; x='",
        "Content-Disposition: form-data; filename='a'; name=\"b\"",
        "Content-ID: _method",
        "Content-Disposition: form-data; name=\"x\"; foo=\"; name=_method\"",
        "Content-Disposition: form-data; name=\"x\"; foo=bar",
        "Content-Disposition: form-data; name=\"x\"; filename=\"; name =_method\"",
        "Content-Disposition: form-data; name=\"=?UTF-8?B?X21ldGhvZA==?=\"",
        &format!("X-A: Content-Disposition: form-data; name=_method\r\n{disposition}"),
        &format!("Content-Type: Content-Disposition: form-data; name=_method\r\n{disposition}"),
        &format!("{disposition}\r\nContent-Length: 5"),
        &format!("{disposition}\r\nContent-Length: +6"),
        &format!("{disposition}\r\nContent-Length:"),
    ] {
        assert_eq!(
            judge_part(head),
            Some(ReasonCode::RequestMalformed),
            "{head}"
        );
    }
    let encoded = format!("{disposition}\r\nContent-Transfer-Encoding: base64");
    assert_eq!(judge_part(&encoded), Some(ReasonCode::RequestUnreadable));
}

#[test]
fn lets_the_heads_of_known_clients_pass() {
    for head in [
        // Browsers.
        "Content-Disposition: form-data; name=\"it's\"",
        "Content-Disposition: form-data; name=\"a%22b\"; filename=\"say %22hi%22.txt\"\r\nContent-Type: text/plain",
        "Content-Disposition: form-data; name=\"user[file]\"; filename=\"résumé's.pdf\"\r\nContent-Type: application/pdf",
        "Content-Disposition: form-data; name=\"a\"; filename=\"\"\r\nContent-Type: application/octet-stream",
        // curl, Go.
        "Content-Disposition: form-data; name=\"a\"; filename=\"a.txt\"\r\nContent-Type: text/plain",
        // Python's requests.
        "Content-Disposition: form-data; name=\"a\"; filename*=utf-8''r%C3%A9sum%C3%A9",
        // OkHttp, Apache HttpClient, Spring.
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Length: 6",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit",
        "Content-Disposition: form-data; name=\"a\"; filename=\"b\"\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\nContent-Length: 6",
        "Content-Type: text/plain\r\nContent-Disposition: form-data; name=a; filename=b.txt",
    ] {
        assert_eq!(judge_part(head), None, "{head}");
    }
}

#[test]
fn takes_an_empty_type_for_none() {
    let of = |types: &[&str], coding| Fields::of(&headers(types, coding));
    assert_eq!(of(&[""], None).unwrap(), Some(Fields::Untyped));
    assert_eq!(of(&[], None).unwrap(), Some(Fields::Untyped));
    assert_eq!(of(&["text/plain"], None).unwrap(), None);
    for (types, coding) in [
        (&["", "text/plain"][..], None),
        (&[], Some("gzip")),
        (&[""], Some("gzip")),
    ] {
        let refusal = of(types, coding).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::RequestUnreadable, "{types:?}");
    }
}
