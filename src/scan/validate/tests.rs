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
fn a_card_is_known_joined_and_as_a_floating_point_number() {
    assert_eq!(accept("card", "4111111111111111_"), Some(16));
    assert_eq!(accept("card", "4.111111111111111E15"), Some(20));
    // A number that ends in zeros doesn't write them.
    assert!(accept("card", "4.000000000000002e+15").is_some());
    assert!(accept("card", "5.555555555444e+15").is_some());
    for other in [
        "4.111111111111112E15",
        "4.111111111111111E14",
        "4.111111111111111E19",
    ] {
        assert_eq!(accept("card", other), None, "{other}");
    }
}

#[test]
fn no_single_change_of_a_digit_passes() {
    for (name, number) in [
        ("pl-nip", "703-179-74-05"),
        ("kr-brn", "569-10-95359"),
        ("de-vat", "544126258"),
        ("de-kvnr", "P597510490"),
        ("in-gstin", "22DPJPR0664C1Z3"),
        ("za-id", "8807165713082"),
        ("ru-inn", "509310986961"),
    ] {
        assert!(accept(name, number).is_some(), "{name}: {number}");
        for (i, digit) in number.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
            for other in ('0'..='9').filter(|other| *other != digit) {
                let mut changed = number.to_owned();
                changed.replace_range(i..=i, &other.to_string());
                assert_eq!(accept(name, &changed), None, "{name}: {changed}");
            }
        }
    }
}

#[test]
fn references_and_names_are_no_passwords() {
    for text in [
        "$NAME",
        "${NAME}",
        "{{ name }}",
        "%NAME%",
        "@NAME@",
        "<name>",
        "$(call)",
        "changeme",
    ] {
        assert_eq!(accept("password", text), None, "{text}");
    }
    for text in [
        "hunter2",
        "$ecret!9",
        "{k)p${w]n(fy[r>x}",
        "%7uPx!",
        "@home#42x",
    ] {
        assert!(accept("password", text).is_some(), "{text}");
    }
    for text in [
        "my-sleepy-app-12345",
        "command-r-plus-08",
        "lib/python/module-2.0",
    ] {
        assert_eq!(accept("random", text), None, "{text}");
    }
    for text in [
        "acme_live_q7Zt0Xw3Lr9Kd5Vb",
        "5f0c3a1e-9b7d-4c2f-8a6e-1d3b5c7f9e02",
        "q7zt0xw3lr9kd5vb",
    ] {
        assert!(accept("random", text).is_some(), "{text}");
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

fn beside(name: &str, before: &str, text: &str, after: &str) -> bool {
    let validator = Validator::named(name).unwrap();
    let candidate = Candidate {
        before: before.as_bytes(),
        text: text.as_bytes(),
        after: after.as_bytes(),
    };
    validator.accept(&candidate).is_some()
}

#[test]
fn no_single_change_of_a_digit_passes_in_numbers_of_further_states() {
    for (name, number) in [
        ("ch-uid", "CHE-109.322.551"),
        ("es-naf", "281234567840"),
        ("fr-tax", "3023217600053"),
        ("mx-clabe", "002010077777777771"),
        ("hu-tax", "8071592153"),
    ] {
        assert!(accept(name, number).is_some(), "{name}: {number}");
        for (i, digit) in number.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
            for other in ('0'..='9').filter(|other| *other != digit) {
                let mut changed = number.to_owned();
                changed.replace_range(i..=i, &other.to_string());
                assert_eq!(accept(name, &changed), None, "{name}: {changed}");
            }
        }
    }
}

#[test]
fn a_wrong_check_is_none() {
    // Another last digit or character is none; some remainders share a check digit in these.
    for (name, number) in [
        ("be-id-card", "590-1234567-74"),
        ("br-cnpj", "12.ABC.345/01DE-35"),
        ("br-pis", "120.56413.31-2"),
        ("gr-afm", "094259216"),
        ("mx-rfc", "GODE561231GR8"),
        ("pe-ruc", "20512333797"),
        ("pt-niss", "12345678902"),
        ("ua-rnokpp", "1759013776"),
        ("vn-tax", "0100233488"),
    ] {
        assert!(accept(name, number).is_some(), "{name}: {number}");
        let (body, check) = number.split_at(number.len() - 1);
        for other in ('0'..='9').map(String::from).filter(|other| other != check) {
            assert_eq!(
                accept(name, &format!("{body}{other}")),
                None,
                "{name}: {other}"
            );
        }
    }
}

#[test]
fn digits_of_a_larger_number_are_none() {
    for (name, text) in [("br-cpf", "39053344705"), ("ru-snils", "11223344595")] {
        assert!(beside(name, "no. ", text, "."), "{name}");
        assert!(beside(name, "", text, ", 1"), "{name}");
        assert!(!beside(name, "9.", text, ","), "{name}");
        assert!(!beside(name, " ", text, ".5"), "{name}");
    }
    assert!(beside("digits", "no ", "978-91-7441", ", 3"));
    assert!(!beside("digits", "no ", "978-91-7441", "-373"));
    assert!(!beside("digits", "012-", "978-91-7441", ""));
}

#[test]
fn a_signed_number_needs_the_code_of_a_country() {
    for text in [
        "+4915112345678",
        "+1-415-555-2671",
        "+212 522 123456",
        "+998 71 123 45 67",
    ] {
        assert!(beside("phone", "", text, ""), "{text}");
    }
    for text in [
        "+2101234567",
        "+999 71 123 45 67",
        "+123456789",
        "+10000-12-31",
        "+262142-12-31",
    ] {
        assert!(!beside("phone", "", text, ""), "{text}");
    }
    assert!(!beside("phone", "", "+4915112345678", ".25"));
    assert!(beside("phone", "", "+4915112345678", ". 2"));
}

#[test]
fn names_of_programs_are_no_random_text() {
    for text in [
        "X509CertificateTemplatePrivateKeyFlag",
        "ed25519.Ed25519PrivateKey",
        "MSV1_0_PROTOCOL_MESSAGE_TYPE",
        "kTLSOutput2_sha512",
        "sha256=vA2yNHGJBHfq4jNQSah7C9DmIOp34MmYHPA8P-cYAHI",
        "-1073740685i32",
    ] {
        assert_eq!(accept("random", text), None, "{text}");
    }
    for text in [
        "lxIGYR4Hm3bc4uzQFucpXGCf1uTNEpQR",
        "8IWo2Y2PQ0gCceBFF2y54CNd",
        "nVKk2if8R27Ff71wCJbwFka6Slgbt7AF",
        "q7zt0xw3lr9kd5vb1nm8hc2j",
        "798b37957842e2e21098d25967580541",
    ] {
        assert!(accept("random", text).is_some(), "{text}");
    }
}

#[test]
fn coordinates_stand_alone() {
    assert!(beside("coordinates", "at ", "48.20100, 16.36950", "."));
    assert!(beside("coordinates", "7,", "48.20100,16.36950", ",Wi"));
    assert!(!beside("coordinates", "1.5, ", "48.20100, 16.36950", ""));
    assert!(!beside("coordinates", "", "48.20100, 16.36950", ", 7."));
    assert!(!beside("coordinates", "\"M ", "48.20100,16.36950", ""));
    assert!(!beside("coordinates", "", "0.20100, 0.36950", ""));
}
