//! Addresses: e-mail and IP.

use std::net::Ipv6Addr;

use super::{Candidate, Check};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("email", |candidate| email(candidate.text)),
    ("bic", |candidate| candidate.when(bic(candidate.text))),
    ("email-international", |candidate| {
        candidate.when(international(candidate.text))
    }),
    ("mac", |candidate| candidate.when(mac(candidate))),
    ("ipv4", |candidate| candidate.when(ipv4(candidate))),
    ("ipv6", ipv6),
];

/// A local part that begins with a letter, digit, `_` or `+` and has no misplaced dots; labels
/// without hyphens at their edges; at most 253 bytes of domain. A `_` behind it joins it to a longer
/// name, and is left out.
fn email(text: &[u8]) -> Option<usize> {
    let text = text.strip_suffix(b"_").unwrap_or(text);
    let mut halves = text.split(|byte| *byte == b'@');
    let (Some(local), Some(domain), None) = (halves.next(), halves.next(), halves.next()) else {
        return None;
    };
    let begins_well = local
        .first()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+'));
    let has_good_dots = !local.ends_with(b".") && !local.windows(2).any(|pair| pair == b"..");
    let mut labels = domain.split(|byte| *byte == b'.');
    let is_good = begins_well
        && has_good_dots
        && domain.len() <= 253
        && labels.all(|label| !label.starts_with(b"-") && !label.ends_with(b"-"));
    is_good.then_some(text.len())
}

/// Four numbers up to 255 without leading zeros, and no fifth: that is a version or an OID.
fn ipv4(candidate: &Candidate<'_>) -> bool {
    let is_octet = |octet: &[u8]| match octet {
        [] | [b'0', _, ..] => false,
        [_] | [_, _] => true,
        [b'1', _, _] | [b'2', b'0'..=b'4', _] | [b'2', b'5', b'0'..=b'5'] => true,
        _ => false,
    };
    let follows_number = matches!(candidate.before, [.., b'0'..=b'9', b'.']);
    let precedes_number = matches!(candidate.after, [b'.', b'0'..=b'9', ..]);
    !follows_number && !precedes_number && candidate.text.split(|byte| *byte == b'.').all(is_octet)
}

/// What the standard library's parser accepts, with a digit in it (`a::b` is more often a path in
/// a program); a colon at the end belongs to the sentence.
fn ipv6(candidate: &Candidate<'_>) -> Option<usize> {
    let text = match candidate.text {
        [text @ .., b':'] if !text.ends_with(b":") => text,
        text => text,
    };
    let is_joined = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    let continues =
        text.len() == candidate.text.len() && candidate.after.first().is_some_and(is_joined);
    if candidate.before.last().is_some_and(is_joined) || continues {
        return None;
    }
    let has_digit = text.iter().any(u8::is_ascii_digit) && !is_code(candidate.before, text);
    let address = std::str::from_utf8(text).ok()?.parse::<Ipv6Addr>();
    (has_digit && address.is_ok()).then_some(text.len())
}

/// A short one where programs have other things: an index (`list[1::2]`), a time zone (`+12::34`), a
/// path (`f16::E`).
fn is_code(before: &[u8], text: &[u8]) -> bool {
    const LONGEST: usize = 9;
    let is_index = match before {
        [.., name, b'['] | [.., name, b'[', b'-'] => {
            name.is_ascii_alphanumeric() || matches!(name, b'_' | b')' | b']')
        }
        _ => false,
    };
    let is_signed = matches!(before, [.., b'+' | b'-']);
    let has_both_cases =
        text.iter().any(u8::is_ascii_lowercase) && text.iter().any(u8::is_ascii_uppercase);
    text.len() <= LONGEST && (is_index || is_signed || has_both_cases)
}

/// UTF-8 of letters, digits and an address's marks; a letter beyond ASCII. Beside a domain in ASCII,
/// no script without spaces, which may be the sentence before.
fn international(text: &[u8]) -> bool {
    if text.is_ascii() {
        return false;
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return false;
    };
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    let is_mark = |c: char| matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{dff}');
    let is_local = local.chars().all(|c| is_part(c) || is_mark(c)) && !local.contains("..");
    let is_spaceless = domain.is_ascii() && local.chars().any(|c| c >= '\u{2e80}');
    let mut labels = domain.split('.');
    let has_top = labels
        .next_back()
        .is_some_and(|top| top.chars().all(char::is_alphabetic) || top.starts_with("xn--"));
    let has_labels = labels.all(|label| {
        let is_letter = |c: char| c.is_alphanumeric() || c == '-' || is_mark(c);
        label.chars().all(is_letter) && !label.starts_with('-') && !label.ends_with('-')
    });
    is_local
        && !is_spaceless
        && local.starts_with(char::is_alphanumeric)
        && !local.ends_with('.')
        && has_top
        && has_labels
}

/// Neither zeros nor broadcast, nor part of a longer row.
fn mac(candidate: &Candidate<'_>) -> bool {
    let joins = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b':' | b'-'));
    // Two hexadecimal digits and a separator: not the end of a name such as `mac:`.
    let is_hex = |byte: &u8| byte.is_ascii_hexdigit();
    let follows = match candidate.before {
        [a, b, b':' | b'-'] => is_hex(a) && is_hex(b),
        [mark, a, b, b':' | b'-'] => !mark.is_ascii_alphanumeric() && is_hex(a) && is_hex(b),
        _ => false,
    };
    let precedes =
        joins(candidate.after.first()) && candidate.after.get(1).is_some_and(u8::is_ascii_hexdigit);
    let mut digits = candidate
        .text
        .iter()
        .filter(|byte| byte.is_ascii_hexdigit());
    let first = digits.next();
    let is_uniform = digits.all(|digit| Some(digit) == first);
    !follows && !precedes && !is_uniform
}

/// A country's code at the fifth place, and not a word that happens to have one.
fn bic(text: &[u8]) -> bool {
    const COUNTRIES: &[u8] = b"ADAEAFAGAIALAMAOARATAUAWAZBABBBDBEBFBGBHBIBJBMBNBOBRBSBTBWBYBZCACDCFCGCHCICLCMCNCOCRCUCVCYCZDEDJDKDMDODZECEEEGERESETFIFJFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGTGWGYHKHNHRHTHUIDIEILIMINIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMGMKMLMMMNMOMRMTMUMVMWMXMYMZNANENGNINLNONPNRNZOMPAPEPFPGPHPKPLPRPSPTPYQAROROSRURWSASBSCSDSESGSISKSLSMSNSOSRSSSTSVSYSZTDTGTHTJTLTMTNTOTRTTTVTZUAUGUSUYUZVAVCVEVGVIVNVUWSXKYEZAZMZW";
    let country = text.get(4..6).unwrap_or_default();
    let (codes, _) = COUNTRIES.as_chunks::<2>();
    codes.iter().any(|code| code == country)
}
