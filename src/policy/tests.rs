//! Whole policies: what loads, what is refused, who gets in.

use std::path::Path;
use std::sync::Arc;

use http::Method;

use super::files::Files;
use super::treatment::{Action, Attribute, Class, Kind, Others, Select};
use super::{Decision, Diagnostic, Mode, Policy, compile};
use crate::capability::Capability;
use crate::types::{Control, Level, ReasonCode, Refusal, Subject, Target};

const HEAD: &str =
    "version: 1\npolicy: test\ncapability: { biscuit: { root_keys: [issuer.pub] } }\n";
const KEY: &str = "ed25519/acdd6d5b53bfee478bf689f8e012fe7988bf755e3d7c5152947abc149bc20189";

fn try_compile(body: &str) -> Result<Policy, Vec<Diagnostic>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("issuer.pub"), KEY).unwrap();
    std::fs::write(
        folder.path().join("names.txt"),
        "# people\nAda Byron\n\n  Eve  \n",
    )
    .unwrap();
    std::fs::write(folder.path().join("empty.txt"), "# nobody\n").unwrap();
    let files = Files::of(&folder.path().join("policy.yaml"));
    compile::compile("policy.yaml", &format!("{HEAD}{body}"), files)
}

fn policy(body: &str) -> Policy {
    try_compile(body).unwrap_or_else(|found| panic!("{}", lines(&found)))
}

fn routes(routes: &str) -> Policy {
    policy(&format!("routes:\n{routes}"))
}

fn lines(found: &[Diagnostic]) -> String {
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn refused(body: &str) -> String {
    lines(&try_compile(body).expect_err(body))
}

fn ada() -> Capability {
    Capability::for_test(Subject::new("ada", []).unwrap())
}

fn ask(policy: &Policy, method: &Method, raw: &str) -> Result<String, Refusal> {
    let target = Target::parse(raw).unwrap();
    match policy.decide(policy.route(method, &target), &ada(), Level::Unreviewed) {
        Decision::Permit(permit) => Ok(permit.route().to_owned()),
        Decision::Deny(refusal) => Err(refusal),
    }
}

#[test]
fn lets_the_most_specific_route_win() {
    let policy = routes(
        "- { match: 'GET /**', public: all }
- { match: GET /a, public: a }
- { match: 'GET /a/{x}', public: x }
- { match: '* /a/b', public: star }
- { match: POST /a/b, public: post }
- { match: 'GET /a?kind=z', public: z }
- { match: HEAD /a/b, public: head }
",
    );
    for (method, raw, route) in [
        (Method::GET, "/other", "GET /**"),
        (Method::GET, "/a", "GET /a"),
        (Method::HEAD, "/a", "GET /a"),
        (Method::GET, "/a?kind=z", "GET /a?kind=z"),
        (Method::GET, "/a?kind=y", "GET /a"),
        (Method::GET, "/a/c", "GET /a/{x}"),
        (Method::GET, "/a/b", "* /a/b"),
        (Method::HEAD, "/a/b", "HEAD /a/b"),
        (Method::POST, "/a/b", "POST /a/b"),
        (Method::GET, "/a/b/c", "GET /**"),
    ] {
        assert_eq!(ask(&policy, &method, raw).unwrap(), route, "{raw}");
    }
}

#[test]
fn refuses_what_no_route_names() {
    let policy = routes("- { match: GET /a, public: a }\n");
    assert_eq!(
        ask(&policy, &Method::GET, "/b").unwrap_err().code,
        ReasonCode::NoRoute
    );
    assert_eq!(
        ask(&policy, &Method::POST, "/a").unwrap_err().code,
        ReasonCode::NoRoute
    );
}

#[test]
fn refuses_a_denied_route_with_the_reviewers_reason() {
    let policy = routes(
        "- { match: 'GET /**', public: all }
- match: '* /admin/**'
  deny: Acts on everybody.
",
    );
    for raw in ["/admin", "/admin/", "/admin/x", "/%61dmin/x?y=1"] {
        let refusal = ask(&policy, &Method::GET, raw).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::DeniedRoute);
        assert_eq!(refusal.note.as_deref(), Some("Acts on everybody."));
        let origin = refusal.origin.unwrap();
        assert_eq!(
            (&*origin.rule, &*origin.file, origin.line),
            ("* /admin/**", "policy.yaml", 6)
        );
    }
}

#[test]
fn refuses_a_parameter_sent_twice() {
    let policy = routes(
        "- { match: GET /export, public: the head }
- { match: 'GET /export?all=1', deny: everything }
- { match: GET /other, public: other }
",
    );
    let twice = ask(&policy, &Method::GET, "/export?all=1&all=2").unwrap_err();
    assert_eq!(twice.code, ReasonCode::AmbiguousRequest);
    assert_eq!(
        ask(&policy, &Method::GET, "/export?all=2").unwrap(),
        "GET /export"
    );
    assert_eq!(
        ask(&policy, &Method::GET, "/other?all=1&all=2").unwrap(),
        "GET /other"
    );
}

#[test]
fn asks_the_path_for_the_subject() {
    let policy = routes(
        "- match: GET /users/{user}
  owner: '{user}'
  records: $
  record_owner: $.id
- { match: 'GET /list?by={who}', owner: '{who}', public: shown to themselves }
",
    );
    assert!(ask(&policy, &Method::GET, "/users/ada").is_ok());
    assert!(ask(&policy, &Method::GET, "/users/%61da").is_ok());
    assert!(ask(&policy, &Method::GET, "/list?by=ada").is_ok());
    for raw in ["/users/bob", "/users/Ada", "/users/ada%20", "/list?by=bob"] {
        let refusal = ask(&policy, &Method::GET, raw).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::NotOwner, "{raw}");
    }
    let twice = ask(&policy, &Method::GET, "/list?by=ada&by=bob").unwrap_err();
    assert_eq!(twice.code, ReasonCode::AmbiguousRequest);
}

#[test]
fn compiles_the_record_rule() {
    let policy = routes(
        "- match: GET /a
  records: $.items[*]
  owner: [sender, $.to.id]
  others: redact
  also: [$.page]
  optional: true
  as: json
",
    );
    let target = Target::parse("/a").unwrap();
    let Decision::Permit(permit) = policy.decide(
        policy.route(&Method::GET, &target),
        &ada(),
        Level::Unreviewed,
    ) else {
        panic!("denied");
    };
    let treatment = permit.treatment();
    assert_eq!(treatment.read_as, Some(Kind::Json));
    let rule = treatment.records.as_ref().unwrap();
    assert!(matches!(&rule.select, Select::Path(selector) if selector.as_str() == "$.items[*]"));
    assert_eq!(rule.others, Others::Redact);
    assert_eq!(rule.owner.len(), 2);
    assert_eq!(rule.owner[0].at.single_name(), Some("sender"));
    assert_eq!(rule.also.len(), 1);
    assert!(rule.is_optional);
    assert_eq!(permit.mode(), Mode::Enforce);
}

#[test]
fn compiles_the_rule_on_requests() {
    let policy = routes(
        "- match: PUT /a
  public: x
  request: { records: '$.items[*]', owner: [sender, $.to.id], also: [$.page], optional: true }
- { match: POST /a, public: x, request: { records: anywhere, owner: owner } }
- { match: GET /a, public: x }
",
    );
    let target = Target::parse("/a").unwrap();
    let rule = |method: &Method| match policy.decide(
        policy.route(method, &target),
        &ada(),
        Level::Cleared,
    ) {
        Decision::Permit(permit) => permit.treatment().request.clone(),
        Decision::Deny(refusal) => panic!("{refusal:?}"),
    };
    let put = rule(&Method::PUT).unwrap();
    assert!(matches!(&put.select, Select::Path(selector) if selector.as_str() == "$.items[*]"));
    assert_eq!((put.owner.len(), put.also.len()), (2, 1));
    assert_eq!((put.others, put.is_optional), (Others::Block, true));
    let post = rule(&Method::POST).unwrap();
    assert!(matches!(post.select, Select::Anywhere));
    assert!(rule(&Method::GET).is_none());
}

#[test]
fn refuses_rules_on_requests_that_say_too_little() {
    for (request, message) in [
        ("{ records: $ }", "`owner` is missing"),
        ("{ owner: id }", "`records` is missing"),
        ("{ records: '$.a[-1]', owner: id }", "unsupported JSONPath"),
        ("{ records: $, owner: $ }", "a record is not its own owner"),
        ("{ records: $, owner: [] }", "an empty list of owners"),
        (
            "{ records: anywhere, owner: $.a.b }",
            "a path where a member's name is expected",
        ),
        (
            "{ records: anywhere, owner: id, also: [$.a] }",
            "`also` beside `records: anywhere`",
        ),
        (
            "{ records: anywhere, owner: id, optional: true }",
            "`optional` beside `records: anywhere`",
        ),
        (
            "{ records: $, owner: id, others: drop }",
            "unknown key `others`",
        ),
        ("[$]", "expected a mapping"),
    ] {
        let found = refused(&format!(
            "routes: [{{ match: PUT /a, public: x, request: {request} }}]\n"
        ));
        assert!(found.contains(message), "{request}: {found}");
    }
    let found =
        refused("routes: [{ match: PUT /a, deny: x, request: { records: $, owner: id } }]\n");
    assert!(found.contains("`request` beside `deny`"), "{found}");
    let found = refused("routes: [{ match: PUT /a, request: { records: $, owner: id } }]\n");
    assert!(found.contains("a route that says nothing"), "{found}");
}

#[test]
fn refuses_parameters_with_two_readings() {
    let policy = routes(
        "- { match: 'GET /list?user_id={user}', owner: '{user}', public: x }
- { match: GET /list, public: x }
",
    );
    let get = |raw: &str| ask(&policy, &Method::GET, raw).map_err(|refusal| refusal.code);
    for raw in [
        "/list?user_id=ada&user_id=eve",
        "/list?user_id=ada&user.id=eve",
        "/list?user_id=ada&USER_ID=eve",
        "/list?user_id=ada&user_id[]=eve",
        "/list?user_id=ada&+user_id=eve",
        "/list?user_id=ada;user_id=eve",
        "/list?user_id=ada;x=1",
        "/list?x=1;user_id=eve",
    ] {
        assert_eq!(get(raw), Err(ReasonCode::AmbiguousRequest), "{raw}");
    }
    for raw in [
        "/list?user_id=ada",
        "/list?user_id=ada&x=1;y=2",
        "/list?user_id=ada&user_ids=eve",
        "/list?x=a;b",
    ] {
        assert!(get(raw).is_ok(), "{raw}");
    }
    assert_eq!(get("/list?user_id=eve"), Err(ReasonCode::NotOwner));
}

#[test]
fn compiles_collections_and_rows() {
    let policy = policy(
        "subject: { fold_case: [email] }
routes:
  - match: GET /a
    records:
      - { at: '$.a[*]', owner: id }
      - { at: '$.b[*]', owner: [{ at: mail, is: email }], others: redact, optional: true }
    rows: { owner: [{ at: team, is: group }, id], delimiter: ';' }
    others: block
",
    );
    let target = Target::parse("/a").unwrap();
    let Decision::Permit(permit) =
        policy.decide(policy.route(&Method::GET, &target), &ada(), Level::Cleared)
    else {
        panic!("denied");
    };
    let rule = permit.treatment().records.as_ref().unwrap();
    assert_eq!((rule.others, rule.is_optional), (Others::Block, false));
    assert_eq!(rule.owner[0].is, Attribute::id());
    let further = &rule.further[0];
    assert_eq!(
        (further.others, further.is_optional),
        (Others::Redact, true)
    );
    assert_eq!(&*further.owner[0].is.name, "email");
    assert!(further.owner[0].is.folds_case);
    let rows = permit.treatment().rows.as_ref().unwrap();
    assert_eq!((rows.others, rows.delimiter), (Others::Block, Some(b';')));
    assert_eq!(&*rows.owner[0].name, "team");
    assert_eq!(&*rows.owner[0].is.name, "group");
    assert!(!rows.owner[0].is.folds_case);
}

#[test]
fn refuses_more_collections_than_fit() {
    let list = |length: usize| {
        let one = "      - { at: '$.a.b.c[*]', owner: id }\n";
        format!(
            "routes:\n  - match: GET /a\n    records:\n{}",
            one.repeat(length)
        )
    };
    assert!(try_compile(&list(12)).is_ok());
    assert!(refused(&list(13)).contains("too many collections"));
}

#[test]
fn compiles_detectors_in_the_order_of_their_patterns() {
    let policy = policy(
        "subject: { own: [email] }
routes: [{ match: GET /, public: x }]
detect:
  - { use: [secrets, iban], action: { mask: { keep_last: 4 } } }
  - use: [pii]
    except: [{ value: Press@Shop.example, reason: printed, until: 2027-06-30 }]
  - { id: employee, pattern: 'EMP-[0-9]{6}', action: mask }
  - { id: account, pattern: 'ACC-[0-9]{6}', action: { mask: { number: true } } }
  - { id: people, dictionary: names.txt, disclose: true }
embargo:
  - { id: falcon, until: 2027-03-01T09:00:00Z, terms: [Falcon IX] }
",
    );
    let plan = policy.detect();
    assert!(plan.automaton.is_some());
    assert_eq!(plan.own, ["user".into(), "email".into()]);
    let rule = |name: &str| {
        plan.rules
            .iter()
            .find(|rule| &*rule.detector == name)
            .unwrap()
    };
    assert_eq!(
        rule("iban").action,
        Action::Mask {
            keep_last: 4,
            number: false
        }
    );
    assert_eq!(rule("email").action, Action::Redact);
    assert_eq!(&*rule("email").except[0].value, "press@shop.example");
    let until = rule("email").except[0].until.unwrap();
    assert_eq!(until.to_string(), "2027-06-30T23:59:59.999999999Z");
    assert_eq!(rule("email").control, Control::Leak);
    assert_eq!(
        rule("employee").action,
        Action::Mask {
            keep_last: 0,
            number: false
        }
    );
    assert_eq!(
        rule("account").action,
        Action::Mask {
            keep_last: 0,
            number: true
        }
    );
    assert_eq!(rule("people").class, Class::Dictionary);
    assert!(rule("people").discloses);
    assert!(
        plan.rules
            .iter()
            .any(|rule| rule.control == Control::Credential)
    );
    let opens = "2027-03-01T09:01:00Z".parse().unwrap();
    assert_eq!(rule("falcon").class, Class::Embargo { opens: Some(opens) });
    assert_eq!(rule("falcon").action, Action::Block);
    assert!(!rule("falcon").discloses);
}

#[test]
fn names_and_hashes_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    let text = format!(
        "{HEAD}routes: [{{ match: GET /, public: x }}]\ndetect: [{{ id: d, dictionary: names.txt }}]\n"
    );
    std::fs::write(&path, text).unwrap();
    std::fs::write(folder.path().join("issuer.pub"), KEY).unwrap();
    std::fs::write(folder.path().join("names.txt"), "Ada\n").unwrap();
    let before = super::load(&path).unwrap();
    let mut names: Vec<_> = before
        .files()
        .iter()
        .filter_map(|file| file.file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["issuer.pub", "names.txt", "policy.yaml"]);
    assert_eq!(super::load(&path).unwrap().hash(), before.hash());
    std::fs::write(folder.path().join("names.txt"), "Bob\n").unwrap();
    assert_ne!(super::load(&path).unwrap().hash(), before.hash());
}

#[test]
fn refuses_a_file_that_can_not_be_read() {
    for path in ["does/not/exist.yaml", "."] {
        let found = super::load(Path::new(path)).unwrap_err();
        assert!(found[0].is_unreadable());
    }
}

#[test]
fn rehearses_the_only_route_without_a_request() {
    let policy = routes(
        "- { match: '* /private/**', deny: x }
- { match: 'GET /u/{user}', owner: '{user}', records: $, record_owner: id }
",
    );
    let subject = Arc::new(Subject::new("ada", []).unwrap());
    assert!(policy.rehearse(policy.only_route(), &subject).is_ok());
    let two = routes("- { match: GET /a, public: x }\n- { match: GET /b, public: x }\n");
    assert!(two.only_route().is_none());
}

#[test]
fn refuses_everything_at_once() {
    insta::assert_snapshot!(refused(
        "mode: enfroce
colour: red
review: { require: ok-to-test }
routes:
  - match: GET /a
    recrods: $.x
    owner: [1, $.a.*]
    others: hid
  - match: GET /a
    public: ' '
  - match: [GET, /b]
    public: x
    public: y
  - nonsense
detect:
  - use: [pii, secretz]
    action: { mask: { keep: 2 } }
  - { id: x, pattern: 'a(b' }
  - { id: x, pattern: 'a*' }
  - { id: y, dictionary: missing.txt }
  - { id: z, dictionary: empty.txt }
embargo:
  - { id: falcon, until: tomorrow, terms: [] }
"
    ));
}

#[test]
fn refuses_routes_that_do_not_say_what_they_are() {
    insta::assert_snapshot!(refused(
        "routes:
  - { match: GET /1 }
  - { match: GET /2, authorize: 'allow if user($u)' }
  - { match: 'GET /3/{user}', owner: '{user}' }
  - { match: 'GET /4/{user}', owner: '{usr}', public: x }
  - { match: GET /5, owner: $.a }
  - { match: GET /6, records: '$[*]' }
  - { match: GET /7, records: '$[*]', record_owner: a }
  - { match: GET /8, records: anywhere, owner: $.a.b, also: [$.c], optional: true }
  - { match: GET /9, deny: x, public: y }
  - { match: GET /10, records: '$.a[-1]', owner: a }
  - { match: GET /11, records: '$.a[', owner: a }
  - { match: GET /12, public: x, authorize: 'allow iff user($u)' }
  - { match: 'GET /13/**', public: x }
  - { match: GET /13, public: x }
  - { match: 'GET /13/*/**', public: x }
  - { match: GET /14, public: x, html: { records: tr } }
  - { match: GET /15, records: $, owner: [] }
  - { match: GET /16, records: $, owner: $ }
  - { match: GET /17, records: $, owner: 'a b' }
"
    ));
}

#[test]
fn refuses_broken_yaml_and_empty_files() {
    for body in [
        "routes: [",
        "routes:\n\t- a",
        "? [a]\n: b",
        "--- \n---\n",
        "<<: { a: b }",
    ] {
        let found = try_compile(body).expect_err(body);
        assert!(!found.is_empty(), "{body}");
        assert!(found.iter().all(|one| !one.is_unreadable()), "{body}");
    }
    let files = || Files::of(Path::new("policy.yaml"));
    for text in ["", "# nothing", "[]", "text", "1"] {
        let found = compile::compile("policy.yaml", text, files()).unwrap_err();
        assert!(found.iter().all(|one| !one.is_unreadable()), "{text}");
    }
}

#[test]
fn places_every_mistake_inside_the_text() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/invalid");
    for name in ["routes", "owners", "selectors", "types", "later", "datalog"] {
        let path = folder.join(name).with_extension("yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        for (at, letter) in text.char_indices().step_by(7) {
            let (before, after) = text.split_at(at);
            let (_, rest) = after.split_at(letter.len_utf8());
            let without = format!("{before}{rest}");
            let doubled = format!("{before}é{after}");
            for text in [before, &without, &doubled] {
                for mistake in super::parse(&path, text).err().unwrap_or_default() {
                    let (excerpt, span) = mistake.excerpt().unwrap();
                    assert!(excerpt.get(span).is_some(), "{mistake}");
                    assert!(!mistake.message().is_empty());
                }
            }
        }
    }
}

#[test]
fn opens_routes_to_types_that_nothing_can_scan() {
    let policy = routes(
        "- { match: GET /a, public: a, content: [Image/*, application/pdf, text/css] }
- { match: GET /b, public: b }
- { match: GET /c, records: '$', owner: id, content: [application/vnd.ms-excel] }
",
    );
    let openings = policy.openings();
    let said: Vec<String> = openings
        .iter()
        .map(|open| format!("{} {:?}", open.origin.rule, open.content.len()))
        .collect();
    assert_eq!(said, ["GET /a 3", "GET /c 1"]);
    let ranges = openings[0].content;
    let covered = |essence: &str| ranges.iter().any(|range| range.covers(essence));
    for essence in ["image/png", "image/x-icon", "application/pdf", "text/css"] {
        assert!(covered(essence), "{essence}");
    }
    for essence in [
        "imagery/png",
        "application/zip",
        "application/pdf2",
        "image",
        "text/html",
    ] {
        assert!(!covered(essence), "{essence}");
    }
}

#[test]
fn opens_no_route_to_what_holds_text_or_runs() {
    for range in [
        "'*/*'",
        "application/*",
        "text/*",
        "multipart/*",
        "text/html",
        "text/plain",
        "text/csv",
        "image/svg+xml",
        "Image/SVG+XML",
        "application/xhtml+xml",
        "application/xml",
        "application/json",
        "application/geo+json",
        "application/json-seq",
        "application/x-ndjson",
        "application/x-javascript",
        "application/x-ecmascript",
        "application/signed-exchange",
        "multipart/mixed",
        "multipart/x-mixed-replace",
        "message/rfc822",
        "image",
        "'image/png; charset=utf-8'",
        "'image /png'",
        "'*/png'",
        "image/p*",
    ] {
        let said = refused(&format!(
            "routes:\n- {{ match: GET /a, public: a, content: [{range}] }}\n"
        ));
        assert!(said.starts_with("policy.yaml:5:"), "{range}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn widens_the_fence_to_whole_origins_alone() {
    for origin in [
        "https://cdn.example",
        "https://cdn.example:8443",
        "https://xn--bcher-kva.example",
        "https://192.0.2.7",
        "http://localhost:3000",
        "http://app.localhost",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
    ] {
        let policy = routes(&format!(
            "- {{ match: GET /a, public: a, csp: {{ img-src: ['{origin}'] }} }}\n"
        ));
        let openings = policy.openings();
        let (directive, origins) = &openings[0].csp[0];
        assert_eq!((*directive, &*origins[0]), ("img-src", origin));
    }
    for origin in [
        "*",
        "https:",
        "https://",
        "cdn.example",
        "//cdn.example",
        "https://*.example",
        "https://cdn.example/",
        "https://cdn.example/a",
        "https://cdn.example?a",
        "https://a.example; script-src *",
        "https://a.example https://b.example",
        "https://a.example,",
        "https://a@b.example",
        "https://CDN.example",
        "https://bücher.example",
        "https://cdn.example:443",
        "https://cdn.example:0",
        "https://cdn.example:080",
        "https://cdn.example:70000",
        "https://cdn.example:",
        "https://cdn..example",
        "http://cdn.example",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://128.0.0.1",
        "wss://cdn.example",
        "data:",
        "''self''",
        "null",
    ] {
        let said = refused(&format!(
            "routes:\n- {{ match: GET /a, public: a, csp: {{ connect-src: ['{origin}'] }} }}\n"
        ));
        assert!(said.contains("origin"), "{origin}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
