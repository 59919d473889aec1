//! The log under load, on full disks and after crashes.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::*;
use crate::types::{DecisionId, Direction};

fn record() -> Record {
    let id = DecisionId::random().unwrap();
    Record::new(id, jiff::Timestamp::now(), Direction::Inbound, "pr-1")
}

fn open(path: &Path) -> Writer {
    let mut settings = Settings::new(Sink::File(path.to_owned()));
    settings.retry = Duration::from_millis(10);
    Writer::open(settings).unwrap()
}

/// The sequence numbers in the file; panics at a line that is no record.
fn sequences(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str::<Record>(line).unwrap().sequence())
        .collect()
}

async fn until_healthy(writer: &Writer) {
    while !writer.is_healthy() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_appends_are_whole_lines_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let mut settings = Settings::new(Sink::File(path.clone()));
    settings.queue = 7;
    let writer = Writer::open(settings).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let writer = writer.clone();
        tasks.spawn(async move {
            for _ in 0..10 {
                writer.append(record()).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(sequences(&path), (1..=2000).collect::<Vec<_>>());
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_line_is_in_the_file_before_its_append_returns() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let writer = open(&path);
    for count in 1..=3 {
        writer.append(record()).await.unwrap();
        assert_eq!(sequences(&path).len(), count);
    }
    writer.append_detached(record());
    writer.flush().await.unwrap();
    assert_eq!(sequences(&path), [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_line_is_written_though_nobody_waits_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let writer = open(&path);
    assert!(writer.append(record()).now_or_never().is_none());
    writer.append(record()).await.unwrap();
    assert_eq!(sequences(&path), [1, 2]);
}

#[tokio::test]
async fn a_torn_tail_is_closed_and_the_numbers_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let writer = open(&path);
    writer.append(record()).await.unwrap();
    writer.append(record()).await.unwrap();
    drop(writer);
    let whole = wait_for_lock(&path).await;
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"version\":1,\"sequence\":3,\"ti")
        .unwrap();
    drop(file);

    let writer = open(&path);
    writer.append(record()).await.unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&whole));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(serde_json::from_str::<Record>(lines[2]).is_err());
    let last: Record = serde_json::from_str(lines[3]).unwrap();
    assert_eq!(last.sequence(), 3);
}

/// Waits until a dropped writer's thread has let go of the file; gives its content.
async fn wait_for_lock(path: &Path) -> String {
    let file = fs::File::open(path).unwrap();
    while file.try_lock().is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn refuses_a_full_disk() {
    let writer = open(Path::new("/dev/full"));
    assert!(!writer.is_healthy());
    let refused = writer.append(record()).await;
    assert!(matches!(refused, Err(AuditError::Unavailable)));
    assert!(writer.flush().await.is_ok() || !writer.is_healthy());
}

#[tokio::test]
async fn a_missing_directory_is_refused_until_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("late");
    let path = folder.join("audit.jsonl");
    let writer = open(&path);
    assert!(!writer.is_healthy());
    assert!(writer.append(record()).await.is_err());
    fs::create_dir(&folder).unwrap();
    until_healthy(&writer).await;
    writer.append(record()).await.unwrap();
    assert_eq!(sequences(&path), [1]);
}

#[tokio::test]
async fn refuses_to_write_to_a_removed_file_and_starts_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let writer = open(&path);
    writer.append(record()).await.unwrap();
    fs::remove_file(&path).unwrap();
    assert!(writer.append(record()).await.is_err());
    until_healthy(&writer).await;
    writer.append(record()).await.unwrap();
    assert_eq!(
        sequences(&path),
        [2],
        "the numbers show that one is missing"
    );
}

#[tokio::test]
async fn refuses_a_second_writer_until_the_first_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let first = open(&path);
    let second = open(&path);
    assert!(first.is_healthy() && !second.is_healthy());
    first.append(record()).await.unwrap();
    drop(first);
    until_healthy(&second).await;
    second.append(record()).await.unwrap();
    assert_eq!(sequences(&path), [1, 2]);
}

#[tokio::test]
async fn a_probe_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let writer = open(&path);
    assert!(writer.is_healthy());
    assert_eq!(fs::metadata(&path).unwrap().size(), 0);
}

/// `tests/run` mounts a file system of 256 KiB where it may.
#[tokio::test]
#[ignore = "needs a small file system, named by CHAPERONE_SMALL_DISK"]
async fn refuses_when_the_disk_fills_and_recovers_when_it_is_freed() {
    let folder = std::env::var("CHAPERONE_SMALL_DISK").unwrap();
    let folder = Path::new(&folder);
    let (path, ballast) = (folder.join("audit.jsonl"), folder.join("ballast"));
    fs::write(&ballast, vec![0; 100 << 10]).unwrap();
    let writer = open(&path);
    let mut written = 0;
    let mut large = record();
    large.method = "M".repeat(10_000);
    while writer.append(large.clone()).await.is_ok() {
        written += 1;
    }
    assert!(written > 0 && !writer.is_healthy());
    assert_eq!(sequences(&path).len(), written, "no torn line is left");
    assert!(writer.append(record()).await.is_err());
    fs::remove_file(&ballast).unwrap();
    until_healthy(&writer).await;
    writer.append(large).await.unwrap();
    let numbers: Vec<_> = (1..=written as u64 + 1).collect();
    assert_eq!(sequences(&path), numbers);
}
