//! Long runs of the characters that tokens are made of. Most secrets hold one, most text does not: where
//! none is near, they need not be looked for.

use regex_syntax::hir::{Hir, HirKind};

use super::fingerprint::ByteSet;
use super::program::ascii;

/// How long a run is long.
pub(super) const LEAST: usize = 14;
/// How far from a match's trigger its run may begin to be of use.
pub(super) const FURTHEST: usize = 250;

/// The characters of tokens: letters and digits of ASCII, `_`, `-`, and what else base64 is made of.
pub(super) fn characters() -> ByteSet {
    let mut set = ByteSet::default();
    (0..128_u8)
        .filter(|byte| byte.is_ascii_alphanumeric() || b"_-+/=".contains(byte))
        .for_each(|byte| set.add(byte));
    set
}

/// What is known of the runs in each match of a part of a pattern.
#[derive(Clone, Copy)]
struct Runs {
    /// All of it is of such characters: at least so many.
    pure: Option<usize>,
    /// A long run begins so far from its beginning, at most.
    long: Option<usize>,
    /// It has at most so many bytes.
    most: Option<usize>,
}

/// How far from its beginning a long run begins in each match of `hir`, at most; none where a match
/// may have none.
pub(super) fn distance(hir: &Hir) -> Option<usize> {
    runs(hir, &characters()).long.filter(|far| *far <= FURTHEST)
}

fn runs(hir: &Hir, characters: &ByteSet) -> Runs {
    let most = hir.properties().maximum_len();
    let of = |pure: Option<usize>| Runs {
        pure,
        long: pure.filter(|least| *least >= LEAST).map(|_| 0),
        most,
    };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => of(Some(0)),
        HirKind::Literal(literal) => {
            let is_pure = literal.0.iter().all(|byte| characters.contains(*byte));
            of(is_pure.then_some(literal.0.len()))
        }
        HirKind::Class(class) => {
            let is_pure = ascii(class).is_some_and(|set| characters.covers(&set));
            of(is_pure.then_some(1))
        }
        HirKind::Capture(capture) => runs(&capture.sub, characters),
        HirKind::Repetition(repetition) => {
            let part = runs(&repetition.sub, characters);
            let least = usize::try_from(repetition.min).unwrap_or(usize::MAX);
            let all = of(part.pure.and_then(|pure| pure.checked_mul(least)));
            Runs {
                long: all.long.or(part.long.filter(|_| least > 0)),
                ..all
            }
        }
        HirKind::Alternation(ways) => {
            let ways: Vec<Runs> = ways.iter().map(|way| runs(way, characters)).collect();
            let pure = ways.iter().map(|way| way.pure);
            let long = ways.iter().map(|way| way.long);
            Runs {
                pure: pure.min_by_key(|pure| *pure).flatten(),
                long: long
                    .collect::<Option<Vec<_>>>()
                    .and_then(|all| all.into_iter().max()),
                most,
            }
        }
        HirKind::Concat(parts) => {
            let (mut pure, mut long) = (Some(0_usize), None);
            // How far away the run that goes on has begun, at most, how long it is, at least, and
            // how far away the next part begins, at most.
            let (mut begun, mut run, mut offset) = (Some(0), 0_usize, Some(0_usize));
            for part in parts {
                let part = runs(part, characters);
                pure = pure.zip(part.pure).map(|(all, part)| all + part);
                if let Some(least) = part.pure {
                    run += least;
                    if run >= LEAST && long.is_none() {
                        long = begun;
                    }
                } else if long.is_none() {
                    long = offset.zip(part.long).map(|(offset, far)| offset + far);
                }
                offset = offset.zip(part.most).map(|(offset, most)| offset + most);
                if part.pure.is_none() {
                    (begun, run) = (offset, 0);
                }
            }
            Runs { pure, long, most }
        }
    }
}

#[cfg(test)]
mod tests {
    use regex_syntax::ParserBuilder;

    use super::distance;

    fn far(pattern: &str) -> Option<usize> {
        let mut parser = ParserBuilder::new().utf8(false).unicode(false).build();
        distance(&parser.parse(pattern).unwrap())
    }

    #[test]
    fn tells_how_far_a_long_run_is_at_most() {
        for (pattern, expected) in [
            (r"\bghp_[A-Za-z0-9]{36}\b", Some(0)),
            (r"key[ =]{1,3}[a-f0-9]{32}", Some(6)),
            (r"a(?:b|[cd] )[0-9]{14}", Some(3)),
            (r"(?:ab|cde)[0-9]{11}", None),
            (r"(?:ab|cde)[0-9]{12}", Some(0)),
            (r"ab[0-9]{13}", Some(0)),
            (r"ab[0-9]{11,40}", None),
            (r"ab[^ ]{20}", None),
            (r"(?:x:)?[0-9]{14}", Some(2)),
            (r"(?:x|[0-9]{14})z", None),
            (r"(?:[0-9]{14} ){1,2}", Some(0)),
            (r"(?:[0-9]{14} ){0,2}", None),
            (r"[0-9]{7} [0-9]{7}", None),
        ] {
            assert_eq!(far(pattern), expected, "{pattern}");
        }
    }
}
