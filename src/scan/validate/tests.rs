use super::*;

fn accept(name: &str, text: &str) -> Option<usize> {
    let validator = Validator::named(name).unwrap();
    validator.accept(&Candidate {
        before: b"",
        text: text.as_bytes(),
        after: b"",
    })
}

#[test]
fn luhn_holds_for_every_single_change() {
    let number = "4111111111111111";
    assert!(accept("card", number).is_some());
    for i in 0..number.len() {
        for digit in '0'..='9' {
            let mut changed = number.to_owned();
            changed.replace_range(i..=i, &digit.to_string());
            assert_eq!(accept("card", &changed).is_some(), changed == number);
        }
    }
}

#[test]
fn an_iban_ends_where_its_country_says() {
    assert_eq!(accept("iban", "DE89 3704 0044 0532 0130 00 EUR"), Some(27));
    assert_eq!(accept("iban", "DE89370400440532013000EUR"), None);
    assert_eq!(accept("iban", "DE8937040044"), None);
}

#[test]
fn a_phone_number_ends_within_fifteen_digits() {
    assert_eq!(accept("phone", "+44 20 7946 0958 2024"), Some(21 - 5));
    assert_eq!(accept("phone", "+1 23 45"), None);
}

#[test]
fn refuses_unknown_validators() {
    let error = Validator::named("luna").unwrap_err();
    assert!(matches!(
        error.kind(),
        BuildErrorKind::UnknownValidator { .. }
    ));
}

#[test]
fn no_text_makes_a_validator_fail() {
    let texts = [
        "",
        "@",
        "+",
        "é@",
        "a@b",
        "::",
        ":",
        "....",
        "eyJ",
        "\u{0}\u{0}",
    ];
    for (name, _) in FAMILIES.into_iter().flatten() {
        for text in texts {
            let _ = accept(name, text);
        }
    }
}
