//! The readings of one text, which comes in pieces: each layer undoes one kind of escape in the text under it.

use std::ops::Range;

use super::base64::Base64;
use super::map::Map;
use super::xml::Xml;
use super::{Coding, Spec, Step, reference, script, unseen};
use crate::types::Refusal;

/// Bytes of a reading from a place on.
#[derive(Clone, Copy, Debug)]
pub(in crate::filter) struct View<'a> {
    pub(in crate::filter) base: u64,
    pub(in crate::filter) text: &'a [u8],
}

impl<'a> View<'a> {
    pub(in crate::filter) fn end(self) -> u64 {
        self.base + self.text.len() as u64
    }

    /// The bytes from `at` on.
    pub(in crate::filter) fn from(self, at: u64) -> &'a [u8] {
        let index = usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX);
        self.text.get(index..).unwrap_or_default()
    }

    fn before(self, at: u64) -> Self {
        let index = usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let text = self.text.get(..index).unwrap_or(self.text);
        Self { text, ..self }
    }
}

/// One layer.
#[derive(Debug)]
struct Layer {
    spec: Spec,
    xml: Xml,
    base64: Base64,
    /// Up to here the text under it was read; none before the layer that it needs is there.
    read: Option<u64>,
    /// What it reads, from its first escape on.
    open: Option<Open>,
}

/// A layer that has found an escape.
#[derive(Debug)]
struct Open {
    text: Vec<u8>,
    base: u64,
    /// What stands before was given up, and is still here because moving the rest costs more.
    left: u64,
    /// Where the text of the layer began, and where its first escape stands.
    origin: u64,
    first: u64,
    map: Map,
}

/// The layers of one text. Readings are counted from 0, which is the text as it stands.
#[derive(Debug)]
pub(in crate::filter) struct Layers {
    layers: Vec<Layer>,
}

impl Layers {
    pub(in crate::filter) fn new(specs: &[Spec]) -> Self {
        let layer = |spec: &Spec| Layer {
            spec: *spec,
            xml: Xml::default(),
            base64: Base64::default(),
            read: (!spec.is_nested).then_some(0),
            open: None,
        };
        Self {
            layers: specs.iter().map(layer).collect(),
        }
    }

    /// Readings beside the text as it stands.
    pub(in crate::filter) fn count(&self) -> usize {
        self.layers.len()
    }

    /// Whether any reading differs from the text as it stands.
    pub(in crate::filter) fn is_active(&self) -> bool {
        self.layers.iter().any(|layer| layer.open.is_some())
    }

    /// Reads on in the text as it stands, `raw`, from where it was given up.
    ///
    /// # Errors
    /// Refuses escapes without an end and documents that declare entities.
    pub(in crate::filter) fn write(&mut self, raw: View<'_>, is_last: bool) -> Result<(), Refusal> {
        for at in 0..self.layers.len() {
            let (under, rest) = self.layers.split_at_mut(at);
            let Some(layer) = rest.first_mut() else { break };
            let source = view(under, raw, layer.spec.under);
            if layer.read.is_none() {
                layer.read = opened(under, layer.spec.under).map(|open| open.first);
            }
            layer.write(source, is_last)?;
        }
        Ok(())
    }

    /// What a reading says, as far as it differs and has not been given up.
    pub(in crate::filter) fn text(&self, reading: usize) -> Option<View<'_>> {
        Some(self.open(reading)?.view())
    }

    /// Where a reading began to differ: its text from there on, but for what stands before the first escape.
    pub(in crate::filter) fn origin(&self, reading: usize) -> Option<u64> {
        Some(self.open(reading)?.origin)
    }

    /// A place in a reading up to which nothing above it will want to change, given that it is settled up to `at`.
    /// Readings that may still begin to differ need `margin` bytes before their first escape.
    pub(in crate::filter) fn bound(&self, reading: usize, at: u64, margin: u64) -> u64 {
        let mut at = at;
        for above in self.above(reading) {
            at = match (&above.open, above.read) {
                (Some(_), Some(read)) => at.min(read),
                (None, Some(read)) => at.min(read.saturating_sub(margin)),
                (_, None) => at,
            };
        }
        // What is no edge of an escape to one is to none.
        loop {
            let open = self.above(reading).filter_map(|above| above.open.as_ref());
            let edge = open.map(|open| open.map.widen(at..at, true).start).min();
            match edge.filter(|edge| *edge < at) {
                Some(edge) => at = edge,
                None => return at,
            }
        }
    }

    /// Where the byte at `at` of a reading begins in the text as it stands.
    pub(in crate::filter) fn raw_start(&self, reading: usize, at: u64) -> u64 {
        self.down(reading, at, Map::start)
    }

    /// Where `span` of a reading stands in the text as it stands, with all escapes that it cuts.
    pub(in crate::filter) fn raw_span(&self, reading: usize, span: Range<u64>) -> Range<u64> {
        let span = self.whole(reading, span);
        self.raw_start(reading, span.start)..self.down(reading, span.end, Map::end)
    }

    /// `span`, grown over the escapes in it that it cuts.
    fn whole(&self, reading: usize, span: Range<u64>) -> Range<u64> {
        let mut span = span;
        for above in self.above(reading) {
            if let Some(open) = &above.open {
                span = open.map.widen(span, above.spec.coding != Coding::Xml);
            }
        }
        span
    }

    /// The readings above one, and what its `span` became there, for those in which an escape stands in it, is cut by it
    /// or next to it.
    pub(super) fn cut(&self, reading: usize, span: &Range<u64>) -> Vec<(usize, Range<u64>)> {
        let mut cut = Vec::new();
        for (at, layer) in self.layers.iter().enumerate() {
            let Some(open) = &layer.open else { continue };
            if self.source(at + 1) != reading || layer.spec.coding == Coding::Base64 {
                continue;
            }
            // An address of mail may hold the `+` that is a space in a form.
            if layer.spec.coding == Coding::Form
                && let Some(start) = open.map.last_end(span)
            {
                let part = open.map.forward(start)..open.map.forward(span.end);
                cut.push((at + 1, part));
                continue;
            }
            let wide = open
                .map
                .widen(span.clone(), layer.spec.coding != Coding::Xml);
            let around = span.start.saturating_sub(1)..span.end + 1;
            if open.map.touches(&around) {
                // What of the span stands outside of the escapes that it cuts.
                let start = if wide.start < span.start {
                    open.map.end(open.map.forward(wide.start) + 1)
                } else {
                    span.start
                };
                let end = if wide.end > span.end {
                    open.map.start(open.map.forward(span.end))
                } else {
                    span.end
                };
                let part = open.map.forward(start)..open.map.forward(end);
                // What stands for nothing there, as a comment does, was not found there.
                if start < end && !part.is_empty() {
                    cut.push((at + 1, part));
                }
            }
        }
        cut
    }

    /// Whether an escape stands at `span` of a reading.
    pub(super) fn touches(&self, reading: usize, span: &Range<u64>) -> bool {
        let mut above = self.above(reading).filter_map(|layer| layer.open.as_ref());
        above.any(|open| open.map.touches(span))
    }

    /// Where `span` of a reading stands in base64 that was decoded under it: what of its groups is before and behind it.
    pub(super) fn in_base64(&self, reading: usize, span: &Range<u64>) -> Option<(&[u8], &[u8])> {
        let (mut reading, mut span) = (reading, span.clone());
        while let Some(layer) = self.layer(reading) {
            let open = layer.open.as_ref()?;
            let under = open.map.start(span.start)..open.map.end(span.end);
            if layer.spec.coding == Coding::Base64 && open.map.touches(&under) {
                let text = |from: u64, to: u64| {
                    let length = usize::try_from(to.checked_sub(from)?).ok()?;
                    open.view().from(from).get(..length)
                };
                let start = open.map.forward(under.start);
                let end = open.map.forward(under.end);
                return Some((
                    text(start, span.start).unwrap_or_default(),
                    text(span.end, end).unwrap_or_default(),
                ));
            }
            (reading, span) = (self.source(reading), under);
        }
        None
    }

    /// Gives up what stands before `raw`.
    pub(in crate::filter) fn forget(&mut self, raw: u64) {
        let mut starts = vec![raw];
        for at in 0..self.layers.len() {
            let source = self.source(at + 1);
            let under = starts.get(source).copied().unwrap_or(raw);
            let mut start = under;
            if let Some(open) = self
                .layers
                .get_mut(at)
                .and_then(|layer| layer.open.as_mut())
            {
                start = open.map.forward(under);
                let length = usize::try_from(start.saturating_sub(open.base)).unwrap_or(usize::MAX);
                // It is drained seldom: what follows has to move.
                open.left = start.min(open.base + open.text.len() as u64);
                if length > open.text.len() / 2 {
                    open.text.drain(..length.min(open.text.len()));
                    open.base = start;
                }
                open.map.forget(under);
            }
            starts.push(start);
        }
    }

    pub(in crate::filter) fn held(&self) -> usize {
        let open = self.layers.iter().filter_map(|layer| layer.open.as_ref());
        open.map(|open| open.text.capacity() + open.map.held())
            .sum()
    }

    fn layer(&self, reading: usize) -> Option<&Layer> {
        self.layers.get(reading.checked_sub(1)?)
    }

    fn open(&self, reading: usize) -> Option<&Open> {
        self.layer(reading)?.open.as_ref()
    }

    /// The reading that a layer reads: the nearest one under it that differs from what is under it.
    fn source(&self, reading: usize) -> usize {
        let mut under = self.layer(reading).map_or(0, |layer| layer.spec.under);
        while let Some(layer) = self.layer(under).filter(|layer| layer.open.is_none()) {
            under = layer.spec.under;
        }
        under
    }

    fn above(&self, reading: usize) -> impl Iterator<Item = &Layer> {
        let layers = self.layers.iter().enumerate();
        let above = layers.filter(move |(at, _)| self.source(at + 1) == reading);
        above.map(|(_, layer)| layer)
    }

    fn down(&self, reading: usize, at: u64, step: impl Fn(&Map, u64) -> u64) -> u64 {
        let (mut reading, mut at) = (reading, at);
        while let Some(open) = self.open(reading) {
            at = step(&open.map, at);
            reading = self.source(reading);
        }
        at
    }
}

impl Open {
    /// What was not given up.
    fn view(&self) -> View<'_> {
        let whole = View {
            base: self.base,
            text: &self.text,
        };
        View {
            base: self.left,
            text: whole.from(self.left),
        }
    }
}

impl Layer {
    fn write(&mut self, source: View<'_>, is_last: bool) -> Result<(), Refusal> {
        let Some(mut read) = self.read else {
            return Ok(());
        };
        let mut put = Vec::new();
        loop {
            let rest = source.from(read);
            if rest.is_empty() {
                break;
            }
            let plain = self.mark(rest).unwrap_or(rest.len());
            self.pass(rest.get(..plain).unwrap_or_default());
            read += plain as u64;
            let rest = rest.get(plain..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            put.clear();
            match self.step(rest, is_last, &mut put)? {
                Step::More => break,
                Step::Plain(length) => {
                    self.pass(rest.get(..length).unwrap_or_default());
                    read += length as u64;
                }
                Step::Escape(length) => {
                    let open = self.open.get_or_insert_with(|| {
                        let source = source.before(read);
                        Open {
                            text: source.text.to_vec(),
                            base: source.base,
                            left: source.base,
                            origin: source.base,
                            first: read,
                            map: Map::new(source.base),
                        }
                    });
                    let end = read + length as u64;
                    let start = open.view().end();
                    open.text.extend_from_slice(&put);
                    open.map.push(read..end, start..open.view().end());
                    read = end;
                }
            }
        }
        self.read = Some(read);
        Ok(())
    }

    fn pass(&mut self, plain: &[u8]) {
        if let Some(open) = &mut self.open {
            open.text.extend_from_slice(plain);
        }
    }

    fn mark(&self, text: &[u8]) -> Option<usize> {
        match self.spec.coding {
            Coding::Attribute | Coding::Reference => memchr::memchr(b'&', text),
            Coding::Base64 => self.base64.mark(text),
            Coding::Break => memchr::memchr3(b'\t', b'\n', b'\r', text),
            Coding::Fold => memchr::memchr2(b'\n', b'\r', text),
            Coding::Form => memchr::memchr2(b'%', b'+', text),
            Coding::Percent => memchr::memchr(b'%', text),
            Coding::Script | Coding::Style => memchr::memchr(b'\\', text),
            Coding::Unseen => unseen::mark(text),
            Coding::Xml => self.xml.mark(text),
        }
    }

    fn step(&mut self, text: &[u8], is_last: bool, put: &mut Vec<u8>) -> Result<Step, Refusal> {
        match self.spec.coding {
            Coding::Attribute => reference::reference(text, true, is_last, put),
            Coding::Base64 => Ok(self.base64.step(text, is_last, put)),
            Coding::Break => Ok(Step::Escape(1)),
            Coding::Fold => Ok(unseen::fold(text, is_last)),
            Coding::Form if text.first() == Some(&b'+') => {
                put.push(b' ');
                Ok(Step::Escape(1))
            }
            Coding::Form | Coding::Percent => Ok(script::percent(text, is_last, put)),
            Coding::Reference => reference::reference(text, false, is_last, put),
            Coding::Script => script::script(text, is_last, put),
            Coding::Style => Ok(script::style(text, is_last, put)),
            Coding::Unseen => Ok(unseen::unseen(text, is_last)),
            Coding::Xml => self.xml.step(text, is_last, put),
        }
    }
}

/// What a reading says so far; one without escapes the same as what is under it, as far as it was read.
fn view<'a>(layers: &'a [Layer], raw: View<'a>, reading: usize) -> View<'a> {
    let Some(layer) = reading.checked_sub(1).and_then(|at| layers.get(at)) else {
        return raw;
    };
    match (&layer.open, layer.read) {
        (Some(open), _) => open.view(),
        (None, Some(read)) => view(layers, raw, layer.spec.under).before(read),
        (None, None) => view(layers, raw, layer.spec.under),
    }
}

/// The layer that a reading is, if it has found an escape.
fn opened(layers: &[Layer], reading: usize) -> Option<&Open> {
    let layer = layers.get(reading.checked_sub(1)?)?;
    layer.open.as_ref()
}
