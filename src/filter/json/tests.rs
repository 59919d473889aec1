mod collections;
mod oracle;
mod owners;
mod suite;
mod table;

use std::sync::Arc;

use crate::filter::fixture::Fixture;
use crate::filter::{Limits, Plan, Report, Side, Stream};
use crate::json::Selector;
use crate::policy::treatment::{Action, Kind, Others, RecordRule, Select};
use crate::types::{Origin, ReasonCode, Refusal};

/// A rule under test; the subject is `u-ann`.
#[derive(Clone, Debug)]
struct Rule {
    select: Option<&'static str>,
    owner: Vec<&'static str>,
    others: Others,
    also: Vec<&'static str>,
    is_optional: bool,
}

impl Rule {
    fn anywhere(owner: &'static str) -> Self {
        Self {
            select: None,
            owner: vec![owner],
            others: Others::Drop,
            also: Vec::new(),
            is_optional: false,
        }
    }

    fn path(select: &'static str) -> Self {
        Self {
            select: Some(select),
            ..Self::anywhere("$.o")
        }
    }

    fn others(mut self, others: Others) -> Self {
        self.others = others;
        self
    }

    fn also(mut self, also: &'static str) -> Self {
        self.also.push(also);
        self
    }

    fn owner(mut self, owner: &'static str) -> Self {
        self.owner = vec![owner];
        self
    }

    fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    fn build(&self) -> Arc<RecordRule> {
        let parse = |text: &&str| Selector::parse(text).unwrap();
        Arc::new(RecordRule {
            origin: Origin {
                rule: "GET /x".into(),
                file: "policy.yaml".into(),
                line: 3,
            },
            select: match &self.select {
                None => Select::Anywhere,
                Some(text) => Select::Path(parse(text)),
            },
            owner: self.owner.iter().map(parse).map(Into::into).collect(),
            others: self.others,
            also: self.also.iter().map(parse).collect(),
            is_optional: self.is_optional,
            further: Vec::new(),
        })
    }

    fn plan(&self) -> Arc<Plan> {
        plan(Some(self), Limits::default())
    }
}

/// Finds `EMP-` and two digits, and four sevens.
fn plan(rule: Option<&Rule>, limits: Limits) -> Arc<Plan> {
    let mut fixture = Fixture::new()
        .pattern("emp", "EMP-[0-9]{2}", Action::Redact)
        .pattern("seven", "7777", Action::Redact);
    fixture.treatment.records = rule.map(Rule::build);
    fixture.limits = limits;
    fixture.plan()
}

fn feed(plan: &Arc<Plan>, kind: Kind, pieces: &[&[u8]]) -> (Result<String, Refusal>, Report) {
    let mut stream = Stream::new(plan, Side::Response, Some(kind), &[]).unwrap();
    let mut out = Vec::new();
    let mut run = || {
        for piece in pieces {
            stream.write(piece)?;
            out.extend_from_slice(&stream.take());
        }
        stream.finish()?;
        out.extend_from_slice(&stream.take());
        Ok(())
    };
    let result = run();
    let result = result.map(|()| String::from_utf8(out).unwrap());
    let report = stream.report().clone();
    (result, report)
}

/// The outcome, the same for every single cut and for single bytes.
fn filter(plan: &Arc<Plan>, kind: Kind, body: &[u8]) -> (Result<String, Refusal>, Report) {
    let whole = feed(plan, kind, &[body]);
    for cut in 0..=body.len() {
        let (front, back) = body.split_at(cut);
        same(&whole, &feed(plan, kind, &[front, back]), body, cut);
    }
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    same(&whole, &feed(plan, kind, &bytes), body, 0);
    whole
}

fn same(
    whole: &(Result<String, Refusal>, Report),
    cut: &(Result<String, Refusal>, Report),
    body: &[u8],
    at: usize,
) {
    let body = String::from_utf8_lossy(body);
    assert_eq!(whole.0, cut.0, "{body} cut at {at}");
    if whole.0.is_ok() {
        assert_eq!(whole.1.findings(), cut.1.findings(), "{body} cut at {at}");
        assert_eq!(whole.1.counts(), cut.1.counts(), "{body} cut at {at}");
    }
}

fn json(rule: &Rule, body: &str) -> Result<String, ReasonCode> {
    filter(&rule.plan(), Kind::Json, body.as_bytes())
        .0
        .map_err(|refusal| refusal.code)
}

fn lines(rule: &Rule, body: &str) -> Result<String, ReasonCode> {
    filter(&rule.plan(), Kind::Ndjson, body.as_bytes())
        .0
        .map_err(|refusal| refusal.code)
}

#[test]
fn undoes_the_escapes_of_addresses_in_strings() {
    let answer = |text: &str| {
        let plan = Fixture::new().detector("email", Action::Redact).plan();
        let mut headers = http::HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        let mut stream = crate::filter::answer_stream(&plan, &headers)
            .unwrap()
            .unwrap();
        let mut output = Vec::new();
        for byte in text.bytes() {
            stream.write(&[byte]).unwrap();
            output.extend(stream.take());
        }
        stream.finish().unwrap();
        output.extend(stream.take());
        String::from_utf8(output).unwrap()
    };
    for (hostile, left) in [
        (
            r#"{"a":"/b?c=bob%40shop.example&d=100%"}"#,
            r#"{"a":"/b?c=[redacted:email]&d=100%"}"#,
        ),
        (
            r#"{"a":["/b?c=bob%2540shop.example"]}"#,
            r#"{"a":["/b?c=[redacted:email]"]}"#,
        ),
        (r#"["bob\u002540shop.example"]"#, r#"["[redacted:email]"]"#),
        (
            r#"{"html":"<b>bob&#64;shop.example</b> &amp; bob@shop&#46;example"}"#,
            r#"{"html":"<b>[redacted:email]</b> &amp; [redacted:email]"}"#,
        ),
        (r#"{"bob%40shop.example":1}"#, r#"{"[redacted:email]":1}"#),
    ] {
        assert_eq!(answer(hostile), left);
    }
    let coded = r#"{"a":"data:text/plain;base64,Ym9iQHNob3AuZXhhbXBsZQ=="}"#;
    assert!(!answer(coded).contains("Ym9iQHNob3AuZXhhbXBsZQ"));
    for honest in [
        r#"{"a":"/b?c=%41%20&d=100%25"}"#,
        r#"{"a":"data:text/plain;base64,Qm9i; 5%"}"#,
        r#"["ann%40shop.example"]"#,
        r#"["a &lt;b&gt; &amp;&copy&#8212; ann&#64;shop.example; x@&nbsp;y"]"#,
    ] {
        assert_eq!(answer(honest), honest);
    }
}
