use proptest::prelude::*;

use super::{Event, EventKind, Lexer, LexerLimits};
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

/// One of the ways to ask for the next token.
type Next = fn(&mut Lexer, &mut &[u8]) -> Result<Option<Event>, LexError>;

/// The tokens, how the document ended, and where the lexer says that the last one begins.
fn all(next: Next, pieces: &[&[u8]]) -> (Vec<Event>, Result<Option<Event>, LexError>, u64) {
    let mut lexer = Lexer::new(LexerLimits {
        depth: 3,
        string: 40,
    });
    let mut events = Vec::new();
    let mut end = None;
    'pieces: for piece in pieces {
        let mut input = *piece;
        loop {
            match next(&mut lexer, &mut input) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => {
                    end = Some(error);
                    break 'pieces;
                }
            }
        }
    }
    let end = end.map_or_else(|| lexer.finish(), Err);
    (events, end, lexer.last_token())
}

/// Documents, and what is almost one.
fn documents() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        "-?(0|[1-9][0-9]{0,4})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        "\"[ -!#-\\[\\]-~é😀]{0,48}\"",
        "\"(a|\\\\n|\\\\u00e9|\\\\\"|é|漢|😀){0,9}\"",
        "true|false|null",
    ];
    let text = leaf.prop_recursive(5, 24, 4, |inner| {
        let inner = (inner, " {0,2}").prop_map(|(value, blank)| value + &blank);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|values| format!("[{}]", values.join(", "))),
            prop::collection::vec(inner, 0..4).prop_map(|values| {
                let members = values.iter().map(|value| format!("\"k\" :{value}"));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }),
        ]
    });
    let spoil = prop::option::of((any::<prop::sample::Index>(), any::<u8>()));
    (text, spoil).prop_map(|(text, spoil)| {
        let mut bytes = text.into_bytes();
        if let Some((at, byte)) = spoil {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    /// The short way tells what the long way tells, wherever pieces end; without marks it tells the rest.
    #[test]
    fn the_short_way_leads_where_the_long_way_does(
        document in documents(),
        cut in any::<prop::sample::Index>(),
    ) {
        let (front, back) = document.split_at(cut.index(document.len() + 1));
        for pieces in [&[&document[..]][..], &[front, back]] {
            let long = all(Lexer::step, pieces);
            prop_assert_eq!(&all(Lexer::next, pieces), &long);
            let items = all(Lexer::next_item, pieces);
            let is_item = |event: &Event| !matches!(event.kind, EventKind::Comma | EventKind::Colon);
            let told: Vec<Event> = long.0.iter().copied().filter(is_item).collect();
            prop_assert_eq!(items.0, told);
            prop_assert_eq!(items.1, long.1);
        }
    }
}
