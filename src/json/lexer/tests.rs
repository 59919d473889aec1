use super::{Event, Lexer, LexerLimits};
use crate::json::{LexError, LexErrorKind};

const LIMITS: LexerLimits = LexerLimits {
    depth: 1000,
    string: 1 << 20,
};

fn lex(limits: LexerLimits, pieces: &[&[u8]]) -> Result<Vec<Event>, LexError> {
    let mut lexer = Lexer::new(limits);
    let mut events = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        while let Some(event) = lexer.next(&mut input)? {
            events.push(event);
        }
        assert!(input.is_empty());
    }
    events.extend(lexer.finish()?);
    Ok(events)
}

#[test]
fn cuts_change_nothing() {
    let text = "\u{feff} {\"a\\u00e9ß\": [1, -2.5e+3, true, false ,null, \"x😀\\n\"], \"\": {}} ";
    let bytes = text.as_bytes();
    let whole = lex(LIMITS, &[bytes]).unwrap();
    for cut in 0..=bytes.len() {
        let (front, back) = bytes.split_at(cut);
        assert_eq!(lex(LIMITS, &[front, back]).unwrap(), whole);
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(lex(LIMITS, &single).unwrap(), whole);
}

#[test]
fn ends_a_root_number_at_the_end() {
    assert_eq!(lex(LIMITS, &[b"12", b"3"]).unwrap().len(), 1);
}

#[test]
fn refuses_what_crosses_a_limit_wherever_it_is_cut() {
    let limits = LexerLimits {
        depth: 2,
        string: 4,
    };
    assert!(lex(limits, &[b"[[1]]"]).is_ok());
    let deep = lex(limits, &[b"[[[1]]]"]).unwrap_err();
    assert_eq!((deep.kind, deep.offset), (LexErrorKind::TooDeep, 2));
    assert!(lex(limits, &[b"\"1234\""]).is_ok());
    for text in [
        &b"\"12345\""[..],
        b"\"12345\x01",
        b"\"1234\\u00\"",
        b"12345",
    ] {
        let whole = lex(limits, &[text]).unwrap_err();
        assert_eq!(whole.kind, LexErrorKind::TooLong);
        for cut in 0..text.len() {
            let (front, back) = text.split_at(cut);
            assert_eq!(lex(limits, &[front, back]).unwrap_err(), whole);
        }
    }
}

#[test]
fn refuses_with_the_offset_of_the_first_bad_byte() {
    let offset = |text: &str| lex(LIMITS, &[text.as_bytes()]).unwrap_err().offset;
    assert_eq!(offset("[1 2]"), 3);
    assert_eq!(offset("{\"a\" 1}"), 5);
    assert_eq!(offset("[1,]"), 3);
    assert_eq!(offset("1 2"), 2);
    assert_eq!(offset("[1"), 2);
    assert_eq!(offset("\"a\nb\""), 2);
}
