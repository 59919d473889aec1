//! `chaperone redact`, as measuring scripts call it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const POLICY: &str = r#"version: 1
policy: redact
capability:
  jwt: { issuer: "https://id.example", audience: shop, jwks: jwks.json, algorithms: [EdDSA] }
subject: { id: user, own: [email] }
routes:
  - match: GET /orders
    records: "$.orders[*]"
    owner: "$.owner"
    others: drop
detect:
  - use: [pii, secrets]
    action: redact
"#;

const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a","alg":"EdDSA","use":"sig"}]}"#;

fn redact(policy: &Path, arguments: &[&str], body: &str) -> (Option<i32>, String, String) {
    let (code, output, error) = redact_as("application/json", policy, arguments, body);
    let last = error.lines().last().unwrap_or_default().to_owned();
    (code, output, last)
}

fn redact_as(
    kind: &str,
    policy: &Path,
    arguments: &[&str],
    body: impl AsRef<[u8]>,
) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chaperone"))
        .args(["redact", "--content-type", kind, "--policy"])
        .arg(policy)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A verb that refuses its arguments does not read.
    _ = child.stdin.take().unwrap().write_all(body.as_ref());
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    let output_text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), output_text, error)
}

#[test]
fn filters_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, POLICY).unwrap();
    std::fs::write(folder.path().join("jwks.json"), KEYS).unwrap();
    let ann = ["--user", "ann", "--attribute", "email=ann@shop.example"];
    let body =
        r#"{"orders":[{"owner":"bob"},{"owner":"ann","to":"ann@shop.example, bob@shop.example"}]}"#;
    let (code, output, last) = redact(&policy, &ann, body);
    assert_eq!(
        output,
        r#"{"orders":[{"owner":"ann","to":"ann@shop.example, [redacted:email]"}]}"#
    );
    assert_eq!(code, Some(0));
    assert_eq!(
        last,
        r#"{"decision":"redact","findings":[{"detector":"email","path":"$.orders[1].to","start":18,"end":34}]}"#
    );
    for body in [r#"{"orders":[{"owner":"ann"}"#, r#"{"else":1}"#, ""] {
        let (code, output, last) = redact(&policy, &ann, body);
        assert_eq!((code, output.as_str()), (Some(3), ""), "{body}");
        assert!(last.starts_with(r#"{"decision":"block","#), "{last}");
    }
    let (code, output, _) = redact(&policy, &["--request", "GET /else"], body);
    assert_eq!((code, output.as_str()), (Some(3), ""));
}

/// The sample policy, with bodies of each of its formats.
#[test]
fn filters_every_format_of_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    std::fs::create_dir(folder.path().join("keys")).unwrap();
    std::fs::copy(sample.join("formats/policy.yaml"), &policy).unwrap();
    let key = "keys/issuer.pub";
    std::fs::copy(sample.join("catch-all").join(key), folder.path().join(key)).unwrap();
    for (route, kind, body, passed) in [
        (
            "GET /orders",
            "text/html",
            "<tr class=order data-customer=ann><td>a</td></tr><tr class=order data-customer=bob><td>b</td></tr>",
            "<tr class=order data-customer=ann><td>a</td></tr>",
        ),
        (
            "GET /orders",
            "application/json",
            r#"{"orders":[{"customer":{"id":"ann"},"notes":[{"author":"bob"},{"readers":["ann"]}]}],"team_orders":[{"team":"red"},{"team":"blue"}]}"#,
            r#"{"orders":[{"customer":{"id":"ann"},"notes":[{"chaperone":"redacted"},{"readers":["ann"]}]}],"team_orders":[{"team":"red"}]}"#,
        ),
        (
            "GET /orders.csv",
            "text/csv",
            "id,customer_id\r\n1,ann\r\n2,bob\r\n",
            "id,customer_id\r\n1,ann\r\n",
        ),
        (
            "GET /mail.tsv",
            "text/tab-separated-values",
            "from\tto\nAnn@Shop.example\tbob@shop.example\nbob@shop.example\teve@shop.example\n",
            "from\tto\nAnn@Shop.example\t[redacted:email]\n[redacted]\t[redacted]\n",
        ),
        (
            "GET /orders/events",
            "text/event-stream",
            "data: {\"customer\":\ndata: {\"id\":\"bob\"}}\n\n: c\n\ndata: {\"customer\":{\"id\":\"ann\"}}\n\n",
            ": c\n\ndata: {\"customer\":{\"id\":\"ann\"}}\n\n",
        ),
        (
            "GET /orders.json-seq",
            "application/json-seq",
            "\u{1e}{\"customer\":{\"id\":\"bob\"}}\n\u{1e}{\"customer\":{\"id\":\"ann\"}}\n",
            "\u{1e}{\"customer\":{\"id\":\"ann\"}}\n",
        ),
    ] {
        let arguments = [
            "--request",
            route,
            "--user",
            "ann",
            "--attribute",
            "email=ann@shop.example",
            "--attribute",
            "group=red",
        ];
        let (code, output, last) = redact_as(kind, &policy, &arguments, body);
        assert_eq!(
            (code, output.as_str()),
            (Some(0), passed),
            "{route}: {last}"
        );
    }
}

#[test]
fn says_what_it_lets_pass_unscanned() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    let route = "    owner: \"$.owner\"\n";
    let open = POLICY.replace(route, &format!("{route}    content: [application/pdf]\n"));
    std::fs::write(folder.path().join("jwks.json"), KEYS).unwrap();
    let body = "%PDF of bob@shop.example";
    std::fs::write(&policy, open).unwrap();
    let (code, output, error) = redact_as("application/pdf", &policy, &[], body);
    assert_eq!((code, output.as_str()), (Some(0), body));
    assert!(
        error.contains("not scanned") && error.contains(r#"{"decision":"allow","#),
        "{error}"
    );
    std::fs::write(&policy, POLICY).unwrap();
    let (code, output, error) = redact_as("application/pdf", &policy, &[], body);
    assert_eq!((code, output.as_str()), (Some(3), ""));
    assert!(error.contains("type-unsupported"), "{error}");
}

#[test]
fn refuses_unusable_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, "version: 1\nnonsense: true\n").unwrap();
    assert_eq!(redact(&policy, &[], "{}").0, Some(2));
    std::fs::write(&policy, POLICY).unwrap();
    std::fs::write(folder.path().join("jwks.json"), KEYS).unwrap();
    assert_eq!(redact(&policy, &["--request", "GET"], "{}").0, Some(2));
    assert_eq!(redact(&policy, &["--user", ""], "{}").0, Some(2));
}

#[test]
fn agrees_with_the_parsing_suite() {
    let Some(suite) = crate::proxy::parsing::suite() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    let route = POLICY.split("routes:").next().unwrap().to_owned()
        + "routes: [{ match: GET /, public: Nobody's data. }]\ndetect: [{ use: [email] }]\n";
    std::fs::write(&policy, route).unwrap();
    std::fs::write(folder.path().join("jwks.json"), KEYS).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for (name, body) in &suite {
        if name.starts_with("y_") {
            let (code, output, _) = redact_as("application/json", &policy, &[], body);
            assert_eq!((code, output.as_bytes()), (Some(0), &body[..]), "{name}");
            accepted += 1;
        } else if name.starts_with("n_") {
            let (code, output, _) = redact_as("application/json", &policy, &[], body);
            assert_ne!(code, Some(0), "{name}");
            assert!(output.is_empty(), "{name}: {output}");
            refused += 1;
        }
    }
    assert!(accepted > 75 && refused > 150, "{accepted} {refused}");
}
