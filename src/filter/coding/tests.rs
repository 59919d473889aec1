//! Every coding: cut everywhere, cut short, extended, lied about, blown up.

use std::io::Write as _;

use http::HeaderMap;
use proptest::prelude::*;

use super::{Coding, Decoding};
use crate::filter::Limits;
use crate::types::{ReasonCode, Refusal};

const ALL: [Coding; 4] = [Coding::Brotli, Coding::Deflate, Coding::Gzip, Coding::Zstd];

pub(in crate::filter) fn encode(coding: Coding, plain: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::default();
    match coding {
        Coding::Brotli => {
            let mut coded = Vec::new();
            let mut writer = brotli::CompressorWriter::new(&mut coded, 4096, 5, 20);
            writer.write_all(plain).unwrap();
            drop(writer);
            coded
        }
        Coding::Deflate => {
            let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), level);
            writer.write_all(plain).unwrap();
            writer.finish().unwrap()
        }
        Coding::Gzip => {
            let mut writer = flate2::GzBuilder::new()
                .extra(b"xy".to_vec())
                .filename("a")
                .comment("b")
                .write(Vec::new(), level);
            writer.write_all(plain).unwrap();
            writer.finish().unwrap()
        }
        Coding::Zstd => zstd::stream::encode_all(plain, 3).unwrap(),
    }
}

fn decode(codings: &[Coding], pieces: &[&[u8]]) -> Result<Vec<u8>, Refusal> {
    let mut decoding = Decoding::new(codings, &Limits::default())?;
    let mut output = Vec::new();
    for piece in pieces {
        decoding.write(piece, &mut |bytes| {
            assert!(bytes.len() <= 16 << 10, "steps are bounded");
            output.extend_from_slice(bytes);
            Ok(())
        })?;
    }
    decoding.finish()?;
    Ok(output)
}

#[test]
fn gives_the_same_at_every_cut() {
    let plain = b"one two three one two three, and a little more of one two three".repeat(3);
    for coding in ALL {
        let coded = encode(coding, &plain);
        for cut in 0..=coded.len() {
            let (head, tail) = coded.split_at(cut);
            assert_eq!(
                decode(&[coding], &[head, tail]).unwrap(),
                plain,
                "{coding:?} {cut}"
            );
        }
        let bytes: Vec<&[u8]> = coded.chunks(1).collect();
        assert_eq!(decode(&[coding], &bytes).unwrap(), plain, "{coding:?}");
    }
}

#[test]
fn refuses_every_truncation() {
    let plain = b"one two three one two three";
    for coding in ALL {
        let coded = encode(coding, plain);
        for cut in 1..coded.len() {
            let refusal = decode(&[coding], &[&coded[..cut]]).unwrap_err();
            assert_eq!(
                refusal.code,
                ReasonCode::AnswerTruncated,
                "{coding:?} {cut}"
            );
        }
        assert_eq!(decode(&[coding], &[]).unwrap(), b"");
    }
}

#[test]
fn refuses_trailing_bytes() {
    for coding in ALL {
        for surplus in [&b"x"[..], b"\0", b"\x1f\x8c", b"<script>"] {
            let coded = encode(coding, b"one two three");
            let result = decode(&[coding], &[&coded, surplus]);
            assert!(result.is_err(), "{coding:?}");
            let mut whole = coded.clone();
            whole.extend_from_slice(surplus);
            assert!(decode(&[coding], &[&whole]).is_err(), "{coding:?}");
        }
    }
}

#[test]
fn reads_members_and_frames_one_after_another() {
    for coding in [Coding::Gzip, Coding::Zstd] {
        let mut coded = encode(coding, b"one ");
        coded.extend(encode(coding, b""));
        coded.extend(encode(coding, b"two"));
        assert_eq!(decode(&[coding], &[&coded]).unwrap(), b"one two");
        let bytes: Vec<&[u8]> = coded.chunks(1).collect();
        assert_eq!(decode(&[coding], &bytes).unwrap(), b"one two");
    }
}

#[test]
fn reads_raw_deflate() {
    let level = flate2::Compression::default();
    for plain in [&b""[..], b"a", b"one two three one two three"] {
        let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), level);
        writer.write_all(plain).unwrap();
        let coded = writer.finish().unwrap();
        for cut in 0..=coded.len() {
            let (head, tail) = coded.split_at(cut);
            assert_eq!(decode(&[Coding::Deflate], &[head, tail]).unwrap(), plain);
        }
    }
}

#[test]
fn refuses_a_wrong_checksum() {
    let mut coded = encode(Coding::Gzip, b"one two three");
    let at = coded.len() - 6;
    coded[at] ^= 1;
    let refusal = decode(&[Coding::Gzip], &[&coded]).unwrap_err();
    assert_eq!(refusal.code, ReasonCode::AnswerMalformed);
}

#[test]
fn refuses_lies_about_the_coding() {
    for told in ALL {
        assert!(
            decode(&[told], &[b"{\"plain\": true}"]).is_err(),
            "{told:?}"
        );
        for coding in ALL.into_iter().filter(|coding| *coding != told) {
            let coded = encode(coding, b"one two three");
            assert!(decode(&[told], &[&coded]).is_err(), "{told:?} {coding:?}");
        }
    }
}

#[test]
fn refuses_bombs_wherever_they_are_cut() {
    let zeros = vec![b'0'; 20 << 20];
    for coding in ALL {
        let coded = encode(coding, &zeros);
        for size in [1, 7, 4096, coded.len()] {
            let pieces: Vec<&[u8]> = coded.chunks(size).collect();
            let refusal = decode(&[coding], &pieces).unwrap_err();
            assert_eq!(refusal.code, ReasonCode::CodingBomb, "{coding:?} {size}");
        }
    }
    let twice = encode(Coding::Brotli, &encode(Coding::Gzip, &zeros));
    let refusal = decode(&[Coding::Gzip, Coding::Brotli], &[&twice]).unwrap_err();
    assert_eq!(refusal.code, ReasonCode::CodingBomb);
}

#[test]
fn grants_small_bodies_any_ratio() {
    let zeros = vec![b'0'; 1 << 20];
    for coding in ALL {
        assert_eq!(
            decode(&[coding], &[&encode(coding, &zeros)]).unwrap(),
            zeros
        );
    }
}

#[test]
fn reads_the_fields_in_order() {
    let read = |values: &[&str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("content-encoding", value.parse().unwrap());
        }
        Coding::of(&headers, &Limits::default())
    };
    assert_eq!(read(&[]).unwrap(), []);
    assert_eq!(read(&["identity", ""]).unwrap(), []);
    assert_eq!(read(&["GZIP, br"]).unwrap(), [Coding::Gzip, Coding::Brotli]);
    assert_eq!(
        read(&["x-gzip", "zstd"]).unwrap(),
        [Coding::Gzip, Coding::Zstd]
    );
    for values in [&["compress"][..], &["gzip, gzip, gzip"], &["gzip", "aes"]] {
        let refusal = read(values).unwrap_err();
        assert_eq!(refusal.code, ReasonCode::CodingUnsupported);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn cuts_and_stacks_change_nothing(
        plain in proptest::collection::vec(any::<u8>(), 0..5000),
        first in 0..4_usize,
        second in proptest::option::of(0..4_usize),
        size in 1..600_usize,
    ) {
        let mut codings = vec![ALL[first]];
        let mut coded = encode(ALL[first], &plain);
        if let Some(second) = second {
            codings.push(ALL[second]);
            coded = encode(ALL[second], &coded);
        }
        let pieces: Vec<&[u8]> = coded.chunks(size).collect();
        prop_assert_eq!(decode(&codings, &pieces).unwrap(), plain);
    }
}
