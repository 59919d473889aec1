//! What stands between a match and a hit: the context that it needs, the check of its inside, and
//! which part of it is the hit.
//!
//! A judgement depends on the match, on `reach` bytes before it and on four after it, and on
//! nothing else: so it is the same at every cut.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use super::program::CONTEXT;
use super::reject::{is_hopeless, viable};
use super::validate::{Candidate, Validator};
use super::{BuildError, BuildErrorKind, Context, Detector, Strength};

/// The furthest that context may stand before a match.
const FURTHEST: usize = 256;
const VALUE: &str = "value";

/// What a match must pass.
#[derive(Debug)]
pub(super) struct Gate {
    validator: Option<Validator>,
    words: Option<Arc<Words>>,
    /// Without one of the words it is no hit.
    is_weak: bool,
    /// The pattern once more, with its group `value`.
    value: Option<LazyRegex>,
}

/// The part of a match that is the hit, and how much it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) strength: Strength,
}

/// The words of a context.
#[derive(Debug)]
pub(super) struct Words {
    regex: LazyRegex,
    within: usize,
    /// How the words begin; none where one of them is too short for that.
    begins: Option<Box<Begins>>,
}

/// A bit for each hash of three letters, in any case, that a word begins with.
#[derive(Debug)]
struct Begins([u64; 64]);

/// A pattern that is compiled when it is needed first: most never are.
#[derive(Debug)]
struct LazyRegex {
    hir: Hir,
    /// None where the pattern turned out to be too large.
    compiled: OnceLock<Option<Regex>>,
}

impl Gate {
    /// The gate of one pattern of a detector; none when every match is a hit.
    pub(super) fn new(
        detector: &Detector,
        pattern: &str,
        words: Option<&Arc<Words>>,
        is_weak: bool,
    ) -> Result<Option<Self>, BuildError> {
        let validator = detector.validator.as_deref().map(Validator::named);
        let value = pattern.contains("(?<value>").then(|| {
            LazyRegex::new(pattern, false).ok_or(BuildError::from(BuildErrorKind::TooLarge))
        });
        let gate = Self {
            validator: validator.transpose()?,
            words: words.cloned(),
            is_weak,
            value: value.transpose()?,
        };
        let judges = gate.validator.is_some() || gate.words.is_some() || gate.value.is_some();
        Ok(judges.then_some(gate))
    }

    /// No hit begins at `start`, as far as a look at what is there tells. `digits` is how many each
    /// match has, where the pattern fixes it.
    pub(super) fn is_hopeless(&self, digits: Option<usize>, bytes: &[u8], start: usize) -> bool {
        self.value.is_none()
            && self
                .validator
                .is_some_and(|validator| is_hopeless(validator, digits, bytes, start))
    }

    /// Those of `starts` at which a hit can begin.
    pub(super) fn viable(&self, bytes: &[u8], starts: Range<usize>) -> Range<usize> {
        match self.validator {
            Some(validator) if self.value.is_none() => viable(validator, bytes, starts),
            _ => starts,
        }
    }

    /// How many bytes before the match a judgement looks at.
    pub(super) fn reach(&self) -> usize {
        // One more shows whether the first word is a whole one.
        let words = self.words.as_ref().map_or(0, |words| words.within + 1);
        words.max(CONTEXT)
    }

    /// The part of the match that is the hit; none when it is none.
    pub(super) fn judge(&self, candidate: &Candidate<'_>, strength: Strength) -> Option<Verdict> {
        let (start, end) = self.value(candidate.text);
        let checked = Candidate {
            before: match start {
                0 => nearest(candidate.before),
                _ => nearest(candidate.text.get(..start)?),
            },
            text: candidate.text.get(start..end)?,
            after: match candidate.text.get(end..)? {
                [] => candidate.after,
                rest => rest,
            },
        };
        let length = match self.validator {
            Some(validator) => validator.accept(&checked)?,
            None => checked.text.len(),
        };
        let verdict = Verdict {
            start,
            end: start + length,
            strength,
        };
        let Some(words) = &self.words else {
            return Some(verdict);
        };
        match (words.precede(candidate.before), self.is_weak) {
            (false, true) => None,
            (true, false) => Some(Verdict {
                strength: stronger(strength),
                ..verdict
            }),
            _ => Some(verdict),
        }
    }

    /// Where the group `value` is; without one, or where it takes no part, all of the match.
    fn value(&self, text: &[u8]) -> (usize, usize) {
        let all = (0, text.len());
        // Closed: all of a match is the hit where it can't be told which part is.
        let Some(regex) = self.value.as_ref().and_then(LazyRegex::get) else {
            return all;
        };
        let mut captures = regex.create_captures();
        let input = Input::new(text).anchored(Anchored::Yes);
        regex.search_captures(&input, &mut captures);
        let group = captures.get_group_by_name(VALUE);
        group.map_or(all, |group| (group.start, group.end))
    }
}

impl Verdict {
    /// All of the match is the hit.
    pub(super) fn whole(text: &[u8], strength: Strength) -> Self {
        Self {
            start: 0,
            end: text.len(),
            strength,
        }
    }
}

impl Words {
    /// The words that a detector's matches stand behind, if it names any.
    pub(super) fn of(detector: &Detector) -> Result<Option<Arc<Self>>, BuildError> {
        let words = detector.context.as_ref().map(Self::new);
        Ok(words.transpose()?.map(Arc::new))
    }

    fn new(context: &Context) -> Result<Self, BuildError> {
        let refused = || BuildErrorKind::Context { limit: FURTHEST };
        if context.words.is_empty() || context.within > FURTHEST {
            return Err(refused().into());
        }
        let forms: Option<Vec<String>> = context.words.iter().map(|word| form(word)).collect();
        let pattern = forms.ok_or_else(refused)?.join("|");
        Ok(Self {
            regex: LazyRegex::new(&pattern, true).ok_or_else(refused)?,
            begins: Begins::of(&context.words),
            within: context.within,
        })
    }

    /// One of the words stands in the last bytes of these.
    fn precede(&self, before: &[u8]) -> bool {
        // A word that begins further away isn't seen whole: what is left of it is none.
        let cut = match before.len() > self.within {
            true => before
                .iter()
                .take_while(|byte| byte.is_ascii_alphabetic())
                .count(),
            false => 0,
        };
        // Closed: what can't be told stands there.
        before.get(cut..).is_some_and(|near| {
            let may_hold = |begins: &Begins| begins.may_begin_in(near);
            self.begins.as_deref().is_none_or(may_hold)
                && (self.regex.get()).is_none_or(|regex| regex.is_match(near))
        })
    }
}

impl Begins {
    fn of(words: &[Box<str>]) -> Option<Box<Self>> {
        let mut begins = Box::new(Self([0; 64]));
        for word in words {
            let [first, second, third, ..] = word.trim().as_bytes() else {
                return None;
            };
            let three = [*first, *second, *third];
            if !three.iter().all(u8::is_ascii_alphabetic) {
                return None;
            }
            let hash = Self::hash(three);
            if let Some(bits) = begins.0.get_mut(hash / 64) {
                *bits |= 1 << (hash % 64);
            }
        }
        Some(begins)
    }

    fn hash(three: [u8; 3]) -> usize {
        let [first, second, third] = three.map(|byte| usize::from(byte & 0x1f));
        (first << 7 ^ second << 3 ^ third << 9 ^ third) & 0xfff
    }

    /// Says yes too often, never no wrongly: letters beyond ASCII can be some of a word's in another case.
    fn may_begin_in(&self, text: &[u8]) -> bool {
        if !text.is_ascii() {
            return true;
        }
        text.windows(3)
            .filter_map(<[u8]>::first_chunk)
            .any(|three| {
                let hash = Self::hash(*three);
                self.0
                    .get(hash / 64)
                    .is_some_and(|bits| bits >> (hash % 64) & 1 == 1)
            })
    }
}

impl LazyRegex {
    /// The pattern, if it is one.
    fn new(pattern: &str, is_unicode: bool) -> Option<Self> {
        let mut parser = ParserBuilder::new().utf8(false).unicode(is_unicode).build();
        Some(Self {
            hir: parser.parse(pattern).ok()?,
            compiled: OnceLock::new(),
        })
    }

    fn get(&self) -> Option<&Regex> {
        let compile = || Regex::builder().build_from_hir(&self.hir).ok();
        self.compiled.get_or_init(compile).as_ref()
    }
}

/// A word as a pattern: whole, or a part of a `camelCase` name, alone or in the plural.
fn form(word: &str) -> Option<String> {
    let mut letters = word.trim().chars();
    let first = letters.next()?;
    let last = letters.next_back()?;
    let mut form = String::new();
    if first.is_ascii_alphabetic() {
        let upper = first.to_ascii_uppercase();
        write!(
            form,
            r"(?:(?:\A|(?-u:[^A-Za-z]))(?i:{first})|(?-u:[a-z]){upper})"
        )
        .ok()?;
    } else {
        write!(form, r"(?i:\x{{{:x}}})", u32::from(first)).ok()?;
    }
    form.push_str("(?i:");
    for letter in letters {
        match letter {
            ' ' => form.push_str("(?-u:[^A-Za-z0-9]){0,3}"),
            '0'..='9' | 'A'..='Z' | 'a'..='z' => form.push(letter),
            _ if letter.is_ascii() => write!(form, r"\x{:02x}", u32::from(letter)).ok()?,
            _ => form.push(letter),
        }
    }
    form.push(')');
    if last.is_ascii_alphabetic() {
        let lower = last.to_ascii_lowercase();
        write!(
            form,
            r"(?:(?i:{last}s?)(?:\z|(?-u:[^A-Za-z]))|{lower}s?(?-u:[A-Z]))"
        )
        .ok()?;
    } else {
        write!(form, r"(?i:\x{{{:x}}})", u32::from(last)).ok()?;
    }
    Some(form)
}

fn nearest(bytes: &[u8]) -> &[u8] {
    bytes
        .get(bytes.len().saturating_sub(CONTEXT)..)
        .unwrap_or_default()
}

const fn stronger(strength: Strength) -> Strength {
    match strength {
        Strength::Weak => Strength::Likely,
        Strength::Likely | Strength::Certain => Strength::Certain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn precede(word: &str, within: usize, before: &str) -> bool {
        let words = Words::new(&Context {
            words: vec![word.into()],
            within,
            patterns: Vec::new(),
        });
        words.unwrap().precede(before.as_bytes())
    }

    #[test]
    fn a_word_stands_whole_or_in_a_name() {
        for before in [
            "tax id ",
            "TAX-ID: ",
            "{\"taxId\":\"",
            "ownerTaxIdValue=",
            "Tax IDs ",
        ] {
            assert!(precede("tax id", 40, before), "{before}");
        }
        for before in [
            "taxidermy ",
            "syntax id ",
            "TAXIDERMY ",
            "tax  -  id",
            "id tax",
        ] {
            assert!(!precede("tax id", 40, before), "{before}");
        }
        assert!(precede("né(e) le", 40, "Né(e) le "));
        assert!(precede("生年月日", 40, "生年月日: "));
    }

    #[test]
    fn a_word_stands_in_letters_of_any_case() {
        for before in ["KEY ", "key ", "Key ", "\u{212a}ey "] {
            assert!(precede("key", 40, before), "{before}");
        }
        assert!(precede("dosage", 40, "do\u{17f}age "));
        assert!(!precede("key", 40, "kex "));
    }

    #[test]
    fn a_word_further_away_is_none() {
        assert!(precede("dob", 4, "dob "));
        assert!(precede("dob", 4, " dob "));
        assert!(!precede("dob", 4, "xdob "));
        assert!(!precede("dob", 4, "dob  "));
        assert!(!precede("dob", 3, "dob "));
    }

    #[test]
    fn refuses_a_context_without_words_or_out_of_reach() {
        for (words, within) in [
            (vec![], 40),
            (vec!["".into()], 40),
            (vec!["dob".into()], 257),
        ] {
            let context = Context {
                words,
                within,
                patterns: Vec::new(),
            };
            assert!(Words::new(&context).is_err());
        }
    }
}
