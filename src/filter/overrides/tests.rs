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
