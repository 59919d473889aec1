use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{BindingSource, Config, Overrides};
use crate::audit::Sink;
use crate::transport::upstream::Protocol;

const SKETCH: &str = r#"
listen: { inbound: 127.0.0.1:1, health: 127.0.0.1:2, admin: unix:/run/chaperone/admin.sock }
tls: { certificate: tls/cert.pem, key: tls/key.pem }
upstream: { url: "http://127.0.0.1:8080" }
policy: policy.yaml
preview: pr-123
revision: 4f2c9e1
audit: { to: file, file: audit.jsonl, path: raw, subject: plain, key: 0123456789abcdef0123 }
limits: { head: 64KiB, headers: 100, head_time: 10s, body_time: 30s, idle: 60s, upstream_time: 5s, drain: 25s, requests: 1024,
          request_body: 64MiB, buffered: 64MiB, record: 8MiB, string: 1MiB, depth: 128, token: 8KiB, codings: 2, ratio: 100 }
"#;

fn parse(text: &str) -> Result<Config, String> {
    let path = Path::new("etc/chaperone.yaml");
    Config::parse(path, text, &Overrides::default()).map_err(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        lines.join("\n")
    })
}

#[test]
fn reads_the_sketch_of_the_design() {
    let config = parse(SKETCH).unwrap();
    assert_eq!(config.listen.inbound.port(), 1);
    assert_eq!(
        config.listen.admin,
        Some(PathBuf::from("/run/chaperone/admin.sock"))
    );
    assert_eq!(config.policy, Path::new("etc/policy.yaml"));
    assert_eq!(
        config.audit.sink,
        Sink::File(PathBuf::from("etc/audit.jsonl"))
    );
    assert_eq!(config.limits.upstream_time, Duration::from_secs(5));
    assert_eq!(config.limits.filter.record, 8 << 20);
    assert!(!config.is_key_ephemeral);
}

#[test]
fn needs_little() {
    let config = parse("upstream: { url: 'http://app' }\npolicy: p.yaml\n").unwrap();
    assert_eq!((&*config.upstream.host, config.upstream.port), ("app", 80));
    assert_eq!(config.audit.sink, Sink::Stdout);
    assert_eq!(config.limits.head, 64 << 10);
    assert!(config.is_key_ephemeral);
}

#[test]
fn knows_what_the_app_speaks() {
    for (word, protocol) in [
        ("", Protocol::Http1),
        (", protocol: http/1.1", Protocol::Http1),
        (", protocol: h2c", Protocol::Http2),
    ] {
        let text = format!("upstream: {{ url: 'http://app'{word} }}\npolicy: p.yaml\n");
        assert_eq!(parse(&text).unwrap().upstream.protocol, protocol);
    }
}

#[test]
fn puts_flags_above_the_file() {
    let overrides = Overrides {
        inbound: Some("127.0.0.1:9".parse().unwrap()),
        policy: Some(PathBuf::from("/other.yaml")),
        upstream: Some("http://[::1]:81".to_owned()),
        ..Overrides::default()
    };
    let config = Config::parse(Path::new("c.yaml"), SKETCH, &overrides).unwrap();
    assert_eq!(config.listen.inbound.port(), 9);
    assert_eq!(config.policy, Path::new("/other.yaml"));
    assert_eq!((&*config.upstream.host, config.upstream.port), ("::1", 81));
}

#[test]
fn takes_the_binding_from_file_or_environment() {
    let text = format!("{SKETCH}binding: {{ token_file: binding.token, pin_file: pin }}\n");
    let source = |overrides: &Overrides| {
        let config = Config::parse(Path::new("etc/c.yaml"), &text, overrides).unwrap();
        config.binding.unwrap()
    };
    let binding = source(&Overrides::default());
    assert!(
        matches!(&binding.source, BindingSource::File(it) if it == Path::new("etc/binding.token"))
    );
    assert_eq!(binding.pin, Some(PathBuf::from("etc/pin")));
    assert_eq!(&*binding.running.revision, "4f2c9e1");
    let digest = format!("sha256:{}", "0".repeat(64));
    let binding = source(&Overrides {
        binding: Some("a-token".to_owned()),
        revision: Some("9d1e0b7".to_owned()),
        images: Some(vec![digest.clone()]),
        ..Overrides::default()
    });
    assert!(matches!(&binding.source, BindingSource::Text(it) if it.expose() == "a-token"));
    assert!(!format!("{binding:?}").contains("a-token"));
    assert_eq!(&*binding.running.revision, "9d1e0b7");
    assert!(binding.running.images.contains(&*digest));
}

#[test]
fn refuses_each_mistake_with_its_place() {
    for (text, place, part) in [
        ("polcy: x\n", "etc/chaperone.yaml:1:1: ", "polcy"),
        (
            "limits: { head: 64XB }\n",
            "etc/chaperone.yaml:1:17: ",
            "`64XB` is not a size",
        ),
        (
            "limits: { idle: 10 }\n",
            "etc/chaperone.yaml:1:17: ",
            "`10` is not a length of time",
        ),
        (
            "limits: { head: 1KiB }\n",
            "etc/chaperone.yaml:1:17: ",
            "`limits.head` can't be 1024",
        ),
        (
            "listen: { inbound: here }\n",
            "etc/chaperone.yaml:1:20: ",
            "`here` is not an address",
        ),
        (
            "listen: { admin: 127.0.0.1:1 }\n",
            "etc/chaperone.yaml:1:18: ",
            "is not a Unix socket",
        ),
        (
            "upstream: { url: 'https://a' }\n",
            "etc/chaperone.yaml:1:18: ",
            "plain HTTP server",
        ),
        (
            "upstream: { url: 'http://a', protocol: h3 }\n",
            "etc/chaperone.yaml:1:40: ",
            "h2c",
        ),
        (
            "outbound: [a]\n",
            "etc/chaperone.yaml:1:11: ",
            "not supported by this version",
        ),
        (
            "audit: { to: file }\n",
            "etc/chaperone.yaml: ",
            "`audit.file` is missing",
        ),
        (
            "audit: { key: short }\n",
            "etc/chaperone.yaml:1:15: ",
            "fewer than 16 bytes",
        ),
        (
            "binding: {}\n",
            "etc/chaperone.yaml:1:10: ",
            "`binding` without a token",
        ),
        (
            "binding: { token: a, token_file: b }\n",
            "etc/chaperone.yaml:1:10: ",
            "both given",
        ),
        (
            "binding: { token: a }\n",
            "etc/chaperone.yaml: ",
            "`preview` is missing",
        ),
        (
            "binding: { token: a }\n",
            "etc/chaperone.yaml: ",
            "`revision` is missing",
        ),
        (
            "images: [latest]\n",
            "etc/chaperone.yaml:1:10: ",
            "`latest` is no image's digest",
        ),
        (
            "images: ['sha256:0000000000000000000000000000000000000000000000000000000000000000']\n",
            "etc/chaperone.yaml:1:10: ",
            "`images` without `binding`",
        ),
        (
            "identity: { key: a, key_file: b }\n",
            "etc/chaperone.yaml:1:31: ",
            "`identity.key` and `identity.key_file` are both given",
        ),
        (
            "identity: { key_file: b }\n",
            "etc/chaperone.yaml:1:23: ",
            "the secret `b` can't be read",
        ),
        (
            "identity: { key: a }\n",
            "etc/chaperone.yaml:1:18: ",
            "the pod's key can't be used",
        ),
        (
            "mint: {}\n",
            "etc/chaperone.yaml:1:7: ",
            "`mint` without a key",
        ),
        (
            "mint: { key: nonsense }\n",
            "etc/chaperone.yaml:1:14: ",
            "not an Ed25519 private key",
        ),
        (
            "mint: { key: a, key_file: b }\n",
            "etc/chaperone.yaml:1:27: ",
            "both given",
        ),
        (
            "mint: { key_file: none.pem, lifetime: 1s }\n",
            "etc/chaperone.yaml:1:19: ",
            "can't be read",
        ),
        (
            "login: { issuer: 'https://id.example', client_id: a }\n",
            "etc/chaperone.yaml:1:8: ",
            "`login` without `mint`",
        ),
        (
            "login: { issuer: 'http://id.example', client_id: a }\n",
            "etc/chaperone.yaml:1:18: ",
            "no address of an OpenID provider",
        ),
        (
            "login: { issuer: 'https://id.example', client_id: a, scopes: [a b] }\n",
            "etc/chaperone.yaml:1:63: ",
            "`a b` is not a name",
        ),
        (
            "login: { issuer: 'https://id.example', client_id: a, claims: { mail: email } }\n",
            "etc/chaperone.yaml:1:62: ",
            "has a meaning of its own",
        ),
        (
            "login: { issuer: 'https://id.example', client_id: a, client_secret: a, client_secret_file: b }\n",
            "etc/chaperone.yaml:1:92: ",
            "both given",
        ),
        (
            "tickets: { spent: spent }\n",
            "etc/chaperone.yaml:1:10: ",
            "`tickets` without `mint`",
        ),
        (
            "tickets: { spent: spent }\nproofs: { spent: spent }\n",
            "etc/chaperone.yaml:2:9: ",
            "are one folder",
        ),
        (
            "login:\n  issuer: 'https://id.example'\n  client_id: a\n  callback: { url: 'https://a.example/back' }\n",
            "etc/chaperone.yaml:4:20: ",
            "`https://a.example/back` is no callback of logins",
        ),
        (
            "login:\n  issuer: 'https://id.example'\n  client_id: a\n  callback: { url: 'http://a.example/.well-known/chaperone/callback' }\n",
            "etc/chaperone.yaml:4:20: ",
            "is no callback of logins",
        ),
        (
            "login:\n  issuer: 'https://id.example'\n  client_id: a\n  callback: { url: 'https://a.example/.well-known/chaperone/callback' }\n",
            "etc/chaperone.yaml:4:13: ",
            "`login.callback` without `binding`",
        ),
        (
            "callback: { host: '*.example.org', previews: [pr-1.example], key: short }\n",
            "etc/chaperone.yaml:1:19: ",
            "is not one host",
        ),
        (
            "callback: { host: a.example, previews: ['*', pr-1.example], key: short }\n",
            "etc/chaperone.yaml:1:41: ",
            "`*` names no hosts of previews",
        ),
        (
            "callback: { host: a.example, previews: [], key: short }\n",
            "etc/chaperone.yaml:1:11: ",
            "`callback.previews` is empty",
        ),
        (
            "callback: { host: a.example, previews: [pr-1.example], key: short }\n",
            "etc/chaperone.yaml:1:61: ",
            "fewer than 32 bytes",
        ),
        (
            "callback: { host: a.example, previews: [pr-1.example] }\n",
            "etc/chaperone.yaml:1:11: ",
            "the callback has no key",
        ),
        (
            "callback: { host: a.example, previews: [pr-1.example], key: a, key_file: b }\n",
            "etc/chaperone.yaml:1:74: ",
            "both given",
        ),
        ("{}\n", "etc/chaperone.yaml: ", "`upstream` is missing"),
        ("{}\n", "etc/chaperone.yaml: ", "`policy` is missing"),
    ] {
        let mistakes = parse(text).unwrap_err();
        let found = mistakes
            .lines()
            .any(|line| line.starts_with(place) && line.contains(part));
        assert!(found, "{text}: {mistakes}");
    }
}

#[test]
fn reads_hops_and_client_certificates() {
    let least = "upstream: { url: 'http://app' }\npolicy: p.yaml\n";
    let hops = "trusted_hops: { addresses: [10.0.0.0/8, '::1'], field: forwarded }\n";
    let config = parse(&format!("{least}{hops}limits: {{ failures: 7 }}\n")).unwrap();
    assert_eq!(config.hops.trusted.len(), 2);
    assert_eq!(config.hops.field, crate::proxy::HopField::Forwarded);
    assert_eq!(config.limits.failures, 7);
    let tls = "tls: { certificate: c.pem, key: k.pem, client_ca: a.pem, client_auth: required }\n";
    let config = parse(&format!("{least}{tls}")).unwrap();
    let tls = config.tls.unwrap();
    assert_eq!(tls.client_ca, Some(PathBuf::from("etc/a.pem")));
    assert!(tls.is_client_required && config.hops.trusted.is_empty());
    for (text, told) in [
        ("trusted_hops: { addresses: [] }\n", "without addresses"),
        ("trusted_hops: { addresses: [10.0.0.0/40] }\n", "no network"),
        ("trusted_hops: { addresses: [router] }\n", "no network"),
        (
            "trusted_hops: { addresses: [10.1.1.1], field: via }\n",
            "via",
        ),
        (
            "tls: { certificate: c.pem, key: k.pem, client_auth: required }\n",
            "without `tls.client_ca`",
        ),
        ("limits: { failures: 0 }\n", "failures"),
    ] {
        let mistakes = parse(&format!("{least}{text}")).unwrap_err();
        assert!(mistakes.contains(told), "{text}: {mistakes}");
    }
}
