use std::pin::pin;
use std::sync::Arc;

use http::Method;
use jiff::Timestamp;

use super::Caught;
use crate::audit::{Naming, PathForm, Settings, Sink, SubjectForm, Writer};
use crate::proxy::exchange::{Exchange, Ledger};
use crate::telemetry::Metrics;
use crate::types::{DecisionId, FingerprintKey};

fn fail() {
    panic!("a fault on purpose")
}

#[tokio::test]
async fn refuses_and_records_after_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let ledger = Arc::new(Ledger {
        writer: Writer::open(Settings::new(Sink::File(log.clone()))).unwrap(),
        naming: Naming::new(
            FingerprintKey::random().unwrap(),
            SubjectForm::Keyed,
            PathForm::Raw,
        ),
        metrics: Metrics::new(),
        preview: Arc::from("test"),
        revision: None,
    });
    let id = DecisionId::random().unwrap();
    let exchange = Exchange::open(&ledger, id, Timestamp::now(), &Method::GET);
    let panics = pin!(async move {
        let _exchange = exchange;
        fail();
    });
    assert_eq!(Caught(panics).await, None);
    ledger.writer.flush().await.unwrap();
    let line = std::fs::read_to_string(log).unwrap();
    let record: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(record["reason"], "internal");
    assert_eq!(record["status"], 500);
    assert_eq!(record["decision"], "block");
    assert_eq!(record["id"], id.to_string());
}
