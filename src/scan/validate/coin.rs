//! Addresses and keys of crypto currencies: base58check, bech32, and the case of EIP-55.

use sha2::{Digest, Sha256};

use super::Check;
use super::token::sextet;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("base58check", |candidate| {
        candidate.when(base58check(candidate.text))
    }),
    ("bech32", |candidate| candidate.when(bech32(candidate.text))),
    ("bitcoin", |candidate| {
        let text = candidate.text;
        candidate.when(if text.starts_with(b"bc1") || text.starts_with(b"BC1") {
            bech32(text)
        } else {
            base58check(text)
        })
    }),
    ("coin", |candidate| {
        let text = candidate.text;
        let is_checked = if text.contains(&b':') {
            cash_address(text)
        } else if matches!(text, [b'E' | b'U' | b'k' | b'0', b'Q', ..]) && text.len() == 48 {
            ton(text)
        } else {
            bech32(text) || base58check(text)
        };
        candidate.when(is_checked)
    }),
    ("eip-55", |candidate| candidate.when(eip_55(candidate.text))),
    ("ripple", |candidate| candidate.when(ripple(candidate.text))),
    ("stellar", |candidate| {
        candidate.when(stellar(candidate.text))
    }),
];

const BITCOIN: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const RIPPLE: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// The longest base58 text that is read, in decoded bytes: extended keys have 82.
const LONGEST: usize = 96;

fn base58check(text: &[u8]) -> bool {
    checked(text, BITCOIN)
}

fn ripple(text: &[u8]) -> bool {
    checked(text, RIPPLE)
}

/// The last four bytes are the first of the payload's double SHA-256.
fn checked(text: &[u8], alphabet: &[u8; 58]) -> bool {
    let Some(bytes) = base58(text, alphabet) else {
        return false;
    };
    let Some((payload, check)) = bytes.split_last_chunk::<4>() else {
        return false;
    };
    payload.len() >= 20 && Sha256::digest(Sha256::digest(payload)).starts_with(check)
}

fn base58(text: &[u8], alphabet: &[u8; 58]) -> Option<Vec<u8>> {
    // Least significant byte first.
    let mut bytes: Vec<u8> = Vec::with_capacity(LONGEST);
    for character in text {
        let mut carry = alphabet.iter().position(|one| one == character)?;
        for byte in &mut bytes {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry & 0xff).ok()?;
            carry >>= 8;
        }
        while carry > 0 {
            bytes.push(u8::try_from(carry & 0xff).ok()?);
            carry >>= 8;
        }
        if bytes.len() > LONGEST {
            return None;
        }
    }
    let zero = alphabet.first()?;
    bytes.extend(
        text.iter()
            .take_while(|character| *character == zero)
            .map(|_| 0),
    );
    bytes.reverse();
    Some(bytes)
}

/// BIP 173 or BIP 350, in one case, whatever the human-readable part.
fn bech32(text: &[u8]) -> bool {
    let is_mixed =
        text.iter().any(u8::is_ascii_uppercase) && text.iter().any(u8::is_ascii_lowercase);
    let Some(at) = text.iter().rposition(|byte| *byte == b'1') else {
        return false;
    };
    let Some((human, [_, data @ ..])) = text.split_at_checked(at) else {
        return false;
    };
    let mut check = 1;
    let human = || human.iter().map(u8::to_ascii_lowercase);
    human().for_each(|byte| check = polymod(check, u32::from(byte >> 5)));
    check = polymod(check, 0);
    human().for_each(|byte| check = polymod(check, u32::from(byte & 31)));
    for byte in data {
        let byte = byte.to_ascii_lowercase();
        let Some(value) = BECH32.iter().position(|one| *one == byte) else {
            return false;
        };
        check = polymod(check, u32::try_from(value).unwrap_or_default());
    }
    !is_mixed && (check == 1 || check == 0x2bc8_30a3)
}

fn polymod(check: u32, value: u32) -> u32 {
    let generators = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    let top = check >> 25;
    let shifted = (check & 0x01ff_ffff) << 5 ^ value;
    let bits = generators.iter().enumerate();
    bits.filter(|(i, _)| top >> i & 1 == 1)
        .fold(shifted, |check, (_, generator)| check ^ generator)
}

/// The 40-bit check of Bitcoin Cash, with the prefix before the colon.
fn cash_address(text: &[u8]) -> bool {
    let mut parts = text.splitn(2, |byte| *byte == b':');
    let (Some(prefix), Some(data)) = (parts.next(), parts.next()) else {
        return false;
    };
    let step = |check: u64, value: u64| {
        let generators = [
            0x98_f2bc_8e61,
            0x79_b76d_99e2,
            0xf3_3e5f_b3c4,
            0xae_2eab_e2a8,
            0x1e_4f43_e470,
        ];
        let top = check >> 35;
        let shifted = (check & 0x07_ffff_ffff) << 5 ^ value;
        let bits = generators.iter().enumerate();
        bits.filter(|(i, _)| top >> i & 1 == 1)
            .fold(shifted, |check, (_, generator)| check ^ generator)
    };
    let start = prefix
        .iter()
        .fold(1, |check, byte| step(check, u64::from(byte & 31)));
    let check = data.iter().try_fold(step(start, 0), |check, byte| {
        let place = BECH32.iter().position(|one| one == byte)?;
        Some(step(check, u64::try_from(place).ok()?))
    });
    check == Some(1)
}

/// 36 bytes in base64url, the CRC-16 of XMODEM at their end.
fn ton(text: &[u8]) -> bool {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::with_capacity(36));
    for byte in text {
        let Some(value) = sextet(*byte) else {
            return false;
        };
        bits = (bits << 6 | value) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or_default());
        }
    }
    let split = bytes.split_last_chunk::<2>();
    split.is_some_and(|(payload, check)| u16::from_be_bytes(*check) == crc(payload))
}

/// The CRC-16 of XMODEM.
fn crc(payload: &[u8]) -> u16 {
    payload.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            crc << 1 ^ if crc >> 15 == 1 { 0x1021 } else { 0 }
        })
    })
}

/// `0x` and forty hexadecimal digits: in one case, or in the case that the hash of them asks for.
fn eip_55(text: &[u8]) -> bool {
    let Some(digits) = text.get(2..) else {
        return false;
    };
    let upper = digits.iter().any(u8::is_ascii_uppercase);
    let lower = digits.iter().any(u8::is_ascii_lowercase);
    if digits
        .windows(8)
        .any(|run| run.iter().all(|byte| Some(byte) == run.first()))
    {
        return false;
    }
    if upper != lower {
        return true;
    }
    let hash = keccak(&digits.to_ascii_lowercase());
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    upper
        && digits.iter().zip(nibbles).all(|(byte, nibble)| {
            byte.is_ascii_digit() || byte.is_ascii_uppercase() == (nibble > 7)
        })
}

/// Keccak-256 of less than one block, as Ethereum uses it (without SHA-3's suffix).
fn keccak(text: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 136;
    let mut block = [0; BLOCK];
    let padded = text.iter().copied().chain([1]);
    block
        .iter_mut()
        .zip(padded)
        .for_each(|(byte, value)| *byte = value);
    if let Some(last) = block.last_mut() {
        *last |= 0x80;
    }
    // Lane (x, y) at x + 5y.
    let mut lanes = [0_u64; 25];
    let (words, _) = block.as_chunks::<8>();
    lanes
        .iter_mut()
        .zip(words)
        .for_each(|(lane, word)| *lane = u64::from_le_bytes(*word));
    let mut constants = 1_u8;
    for _ in 0..24 {
        round(&mut lanes, &mut constants);
    }
    let mut hash = [0; 32];
    let bytes = lanes.iter().flat_map(|lane| lane.to_le_bytes());
    hash.iter_mut()
        .zip(bytes)
        .for_each(|(byte, value)| *byte = value);
    hash
}

/// One round of Keccak-f[1600] (FIPS 202, 3.2 and 3.3); the round constant comes from a shift register.
fn round(lanes: &mut [u64; 25], register: &mut u8) {
    let at = |lanes: &[u64; 25], x: usize, y: usize| {
        lanes.get(x % 5 + y % 5 * 5).copied().unwrap_or_default()
    };
    let columns: [u64; 5] = std::array::from_fn(|x| (0..5).fold(0, |sum, y| sum ^ at(lanes, x, y)));
    let column = |x: usize| columns.get(x % 5).copied().unwrap_or_default();
    let theta: [u64; 25] = std::array::from_fn(|i| {
        at(lanes, i % 5, i / 5) ^ column(i % 5 + 4) ^ column(i % 5 + 1).rotate_left(1)
    });
    let (mut x, mut y) = (1, 0);
    let mut pi = theta;
    for step in 0..24_u32 {
        let turned = at(&theta, x, y).rotate_left((step + 1) * (step + 2) / 2 % 64);
        (x, y) = (y, (2 * x + 3 * y) % 5);
        if let Some(lane) = pi.get_mut(x + 5 * y) {
            *lane = turned;
        }
    }
    *lanes = std::array::from_fn(|i| {
        let (x, y) = (i % 5, i / 5);
        at(&pi, x, y) ^ (!at(&pi, x + 1, y) & at(&pi, x + 2, y))
    });
    for j in 0..7 {
        let is_set = *register & 1 == 1;
        *register = *register << 1 ^ if *register & 0x80 == 0 { 0 } else { 0x71 };
        if let (true, Some(lane)) = (is_set, lanes.first_mut()) {
            *lane ^= 1 << ((1_u32 << j) - 1);
        }
    }
}

/// Base32 with the CRC-16 of XMODEM, least significant byte first, at the end.
fn stellar(text: &[u8]) -> bool {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::with_capacity(35));
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return false,
        };
        bits = (bits << 5 | u32::from(value)) & 0xffff;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or_default());
        }
    }
    let Some((payload, check)) = bytes.split_last_chunk::<2>() else {
        return false;
    };
    u16::from_le_bytes(*check) == crc(payload)
}
