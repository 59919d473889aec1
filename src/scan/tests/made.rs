//! Patterns and texts made at random, the same each time.

/// Numbers that look like chance, the same each time (Marsaglia, Xorshift RNGs, 2003).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize % end
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(super) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// A pattern that can also be told by example.
pub(super) enum Node {
    Literal(&'static str),
    /// A class, and some of its members.
    Class(&'static str, &'static [&'static [u8]]),
    /// A place without bytes.
    Look(&'static str),
    Repeated(Box<Self>, usize, usize),
    OneOf(Vec<Self>),
    All(Vec<Self>),
    Folded(Box<Self>),
    Named(Box<Self>),
}

const LITERALS: [&str; 18] = [
    "a", "ab", "key", "ghp_", "sk_live_", "é", "ß", "k", "s", "::", "-", "=", "a-b", "Bearer ",
    "AKIA", "0", "@", "straße",
];

const CLASSES: [(&str, &[&[u8]]); 18] = [
    ("[0-9]", &[b"0", b"4", b"9"]),
    ("[1-5]", &[b"1", b"5"]),
    ("[a-f0-9]", &[b"a", b"0", b"f"]),
    ("[a-z]", &[b"a", b"k", b"z"]),
    ("[A-Z]", &[b"A", b"Z"]),
    ("[A-Za-z0-9]", &[b"A", b"9", b"x"]),
    ("[A-Za-z0-9_-]", &[b"-", b"_", b"q"]),
    ("[A-Za-z0-9+/=]", &[b"+", b"=", b"q"]),
    ("[ -/]", &[b" ", b"/", b"."]),
    ("[^ ]", &[b"x", "é".as_bytes(), b"\n"]),
    (r"\w", &[b"w", "é".as_bytes(), b"_"]),
    (r"\d", &[b"7", "\u{663}".as_bytes()]),
    (r"[\u{e0}-\u{ff}]", &["é".as_bytes(), "ü".as_bytes()]),
    (r"[^\x00-\x7f]", &["é".as_bytes(), "\u{2011}".as_bytes()]),
    (r"(?-u:[\x80-\x9f])", &[b"\x80", b"\x9f"]),
    (r"(?-u:[\x80-\xff])", &[b"\x80", b"\xff"]),
    (r"(?-u:[a\xe9])", &[b"a", b"\xe9"]),
    (r"(?-u:[^a-z])", &[b"A", b"\0", b"\xc3"]),
];

impl Node {
    fn any(dice: &mut Dice, depth: usize) -> Self {
        if depth == 0 || dice.one_in(3) {
            return if dice.one_in(2) {
                Self::Literal(dice.of(&LITERALS))
            } else {
                let (class, members) = dice.of(&CLASSES);
                let class = Self::Class(class, members);
                if dice.one_in(3) {
                    class
                } else {
                    class.repeated(dice)
                }
            };
        }
        match dice.below(8) {
            0 => Self::any(dice, depth - 1).repeated(dice),
            1 => Self::Folded(Box::new(Self::any(dice, depth - 1))),
            2 => Self::Named(Box::new(Self::any(dice, depth - 1))),
            3 | 4 => {
                let count = if dice.one_in(8) {
                    30
                } else {
                    1 + dice.below(4)
                };
                Self::OneOf((0..count).map(|_| Self::any(dice, depth - 1)).collect())
            }
            5 if dice.one_in(3) => Self::Look(dice.of(&[r"\b", r"\B", "^", r"(?-u:\b)"])),
            _ => Self::All(
                (0..1 + dice.below(4))
                    .map(|_| Self::any(dice, depth - 1))
                    .collect(),
            ),
        }
    }

    fn repeated(self, dice: &mut Dice) -> Self {
        let (least, more) = match dice.below(6) {
            0 => (0, 1),
            1 => (1 + dice.below(3), dice.below(5)),
            2 => (11 + dice.below(6), 0),
            3 => (11 + dice.below(6), dice.below(40)),
            4 => (0, dice.below(60)),
            _ => (1, 1 + dice.below(30)),
        };
        Self::Repeated(Box::new(self), least, least + more)
    }

    /// A pattern as they are written: with boundaries, behind a keyword, with a long run far away.
    pub(super) fn whole(dice: &mut Dice) -> Self {
        let mut parts = Vec::new();
        if dice.one_in(2) {
            parts.push(Self::Look(dice.of(&[r"(?-u:\b)", r"\b"])));
        }
        match dice.below(6) {
            0 => {
                // A run, then what it can't hold: the trigger stands behind it.
                let (class, members) = dice.of(&CLASSES[..8]);
                let most = 1 + dice.below(64);
                parts.push(Self::Repeated(
                    Box::new(Self::Class(class, members)),
                    1 + dice.below(2),
                    2 + most,
                ));
                parts.push(Self::Literal(dice.of(&["@", ":", "://", "."])));
            }
            1 | 2 => {
                parts.push(Self::Literal(
                    dice.of(&["token", "key", "ghp_", "AKIA", "xox"]),
                ));
                let most = dice.of(&[0, 3, 40, 120, 200, 230, 249]);
                parts.push(Self::Repeated(
                    Box::new(Self::Class("[^\n]", &[b" ", b".", b"a"])),
                    0,
                    most,
                ));
                let (class, members) = dice.of(&CLASSES[..8]);
                let least = 12 + dice.below(6);
                parts.push(Self::Repeated(
                    Box::new(Self::Class(class, members)),
                    least,
                    least + dice.below(3),
                ));
            }
            _ => {}
        }
        parts.extend((0..1 + dice.below(4)).map(|_| Self::any(dice, 2)));
        match dice.below(5) {
            0 => parts.push(Self::Look(r"\b")),
            1 => parts.push(Self::Look(r"(?-u:\b)")),
            2 => parts.push(Self::Look(r"(?:(?-u:\b)|_)")),
            _ => {}
        }
        Self::All(parts)
    }

    pub(super) fn write(&self, pattern: &mut String) {
        match self {
            Self::Literal(literal) => pattern.push_str(literal),
            Self::Class(class, _) => pattern.push_str(class),
            Self::Look(look) => pattern.push_str(look),
            Self::Repeated(node, least, most) => {
                pattern.push_str("(?:");
                node.write(pattern);
                pattern.push_str(&format!("){{{least},{most}}}"));
            }
            Self::OneOf(nodes) => {
                pattern.push_str("(?:");
                for (at, node) in nodes.iter().enumerate() {
                    if at > 0 {
                        pattern.push('|');
                    }
                    node.write(pattern);
                }
                pattern.push(')');
            }
            Self::All(nodes) => nodes.iter().for_each(|node| node.write(pattern)),
            Self::Folded(node) => {
                pattern.push_str("(?i:");
                node.write(pattern);
                pattern.push(')');
            }
            Self::Named(node) => {
                pattern.push('(');
                node.write(pattern);
                pattern.push(')');
            }
        }
    }

    /// What it can match, its boundaries apart.
    fn example(&self, dice: &mut Dice, is_folded: bool, to: &mut Vec<u8>) {
        match self {
            Self::Literal(literal) => {
                for letter in literal.chars() {
                    let text = match dice.below(4) {
                        0 if is_folded && letter == 'k' => "\u{212a}".to_owned(),
                        0 if is_folded && letter == 's' => "\u{17f}".to_owned(),
                        0 | 1 if is_folded && letter != 'ß' => letter.to_uppercase().to_string(),
                        _ => letter.to_string(),
                    };
                    to.extend(text.into_bytes());
                }
            }
            Self::Class(_, members) => to.extend_from_slice(dice.of(members)),
            Self::Look(look) => {
                if look.ends_with("_)") && dice.one_in(2) {
                    to.push(b'_');
                }
            }
            Self::Repeated(node, least, most) => {
                let count = match dice.below(3) {
                    0 => *least,
                    1 => *most,
                    _ => least + dice.below(most - least + 1),
                };
                (0..count).for_each(|_| node.example(dice, is_folded, to));
            }
            Self::OneOf(nodes) => nodes[dice.below(nodes.len())].example(dice, is_folded, to),
            Self::All(nodes) => nodes
                .iter()
                .for_each(|node| node.example(dice, is_folded, to)),
            Self::Folded(node) => node.example(dice, true, to),
            Self::Named(node) => node.example(dice, is_folded, to),
        }
    }
}

/// What stands between examples.
pub(super) const JOINTS: [&str; 14] = [
    "",
    "",
    " ",
    " ",
    "x",
    "_",
    "-",
    "é",
    "\"",
    "\0",
    "abcdefghijklmnop",
    "\u{2011}",
    ". ",
    "AAAAAAAAAAAAA ",
];
pub(super) const FILLERS: [&str; 6] = [
    "x ",
    "abc, ",
    "é.",
    "A1b2C3d4E5f6G7h8I9 ",
    "  ",
    "key token ghp ",
];

/// Examples at chosen places, one after another.
pub(super) fn haystack(nodes: &[&Node], dice: &mut Dice) -> Vec<u8> {
    let mut haystack = Vec::new();
    for _ in 0..1 + dice.below(8) {
        let mut example = dice.of(&JOINTS).as_bytes().to_vec();
        let behind = example.len();
        dice.of(nodes).example(dice, false, &mut example);
        if dice.one_in(5) {
            example.pop();
        }
        // Where it begins, or ends, near a border of words or of tiles.
        if dice.one_in(2) {
            let border = dice.of(&[64, 64, 256, 2048]);
            let inside = if dice.one_in(2) {
                behind
            } else {
                example.len()
            };
            let place = (haystack.len() + inside).next_multiple_of(border) + dice.below(5);
            let gap = (place - inside).saturating_sub(haystack.len());
            let filler = dice.of(&FILLERS).as_bytes().iter().cycle();
            haystack.extend(filler.take(gap));
        }
        haystack.extend(example);
        haystack.extend_from_slice(dice.of(&JOINTS).as_bytes());
    }
    haystack
}
