//! Where the marks of escapes stand in a window: looked for once for many texts.

use std::ops::Range;

use crate::filter::decode;

/// A stretch of one window in which no mark of an address stands.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Where the window lies in memory, and its length: another one is told by them.
    window: (usize, usize),
    none: Range<usize>,
}

impl Marks {
    /// Forgets the window: to be called when it may have changed.
    pub(super) fn restart(&mut self) {
        self.none = 0..0;
    }

    /// Whether a mark may stand in `text`. Fast where texts go forward through the window: each of its bytes is
    /// looked at once.
    #[inline]
    pub(super) fn may_stand_in(&mut self, window: &[u8], text: &Range<usize>) -> bool {
        if self.window != (window.as_ptr().addr(), window.len()) || !self.none.contains(&text.start)
        {
            self.look_ahead(window, text.start);
        }
        text.end > self.none.end
    }

    #[inline(never)]
    fn look_ahead(&mut self, window: &[u8], from: usize) {
        self.window = (window.as_ptr().addr(), window.len());
        let rest = window.get(from..).unwrap_or_default();
        let length = decode::address_mark(rest).unwrap_or(rest.len());
        self.none = from..from + length;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Marks;
    use crate::filter::decode;

    proptest! {
        /// Where no mark may stand there is none, whatever was asked before and in any order.
        #[test]
        fn tells_what_looking_at_each_text_tells(
            windows in prop::collection::vec("[a%&;\\\\\u{ad}\u{200b}]{0,6}", 1..3),
            asked in prop::collection::vec((0..2_usize, 0..12_usize, 0..12_usize), 1..12),
        ) {
            let mut marks = Marks::default();
            for (window, start, length) in asked {
                let window = windows.get(window).unwrap_or(&windows[0]).as_bytes();
                let start = start.min(window.len());
                let text = start..window.len().min(start + length);
                let stands = decode::address_mark(&window[text.clone()]).is_some();
                prop_assert_eq!(marks.may_stand_in(window, &text), stands);
            }
        }
    }

    #[test]
    fn forgets_a_window_that_changed() {
        let mut marks = Marks::default();
        let mut window = *b"abc";
        assert!(!marks.may_stand_in(&window, &(0..3)));
        window[1] = b'%';
        marks.restart();
        assert!(marks.may_stand_in(&window, &(0..3)));
    }
}
