//! Document → [`Policy`]: everything that a file says is checked here, and every mistake noted at its place.

mod bound;
mod browser;
mod content;
mod detect;
mod grpc;
mod owners;
mod published;
mod records;
mod request;
mod routes;
mod tokens;
mod websocket;

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize as _;

use crate::policy::decode::{NodeReader, Sink};
use crate::policy::descriptors::Descriptors;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::document::{Document, ModeWord, SubjectForm};
use crate::policy::field::Field;
use crate::policy::files::{Files, Inputs};
use crate::policy::source::Source;
use crate::policy::tree;
use crate::policy::{Mode, Policy};
use crate::types::Origin;

/// Reads and compiles the policy at `path`.
pub(super) fn load(path: &Path) -> Result<Policy, Vec<Diagnostic>> {
    let name = path.display().to_string();
    let mut files = Files::of(path);
    let text = match path.file_name().filter(|_| !path.is_dir()) {
        Some(file) => files
            .read(Path::new(file))
            .map_err(|error| error.to_string()),
        None => Err("a policy is one file; folders are not supported by this version".to_owned()),
    };
    let text = text.map_err(|why| {
        vec![Diagnostic::unreadable(
            &name,
            format!("can't be read: {why}"),
        )]
    })?;
    compile(&name, &text, files)
}

/// Compiles `text` as the policy at `path`.
pub(super) fn parse(path: &Path, text: &str) -> Result<Policy, Vec<Diagnostic>> {
    let mut files = Files::of(path);
    files.include(path.file_name().map_or(path, Path::new), text.as_bytes());
    compile(&path.display().to_string(), text, files)
}

/// Compiles `text`, the content of the file `name`.
pub(super) fn compile(name: &str, text: &str, files: Files) -> Result<Policy, Vec<Diagnostic>> {
    let source = Arc::new(Source::new(name, text));
    let root = tree::read(&source).map_err(|diagnostic| vec![*diagnostic])?;
    let sink = Sink::new(source);
    let document = Document::deserialize(NodeReader::new(&root, &sink)).ok();
    let mut compiler = Compiler {
        sink,
        files,
        folding: Vec::new(),
        descriptors: HashMap::new(),
    };
    let policy = document.and_then(|document| compiler.policy(&document, &root.span));
    let warnings = compiler.sink.warnings();
    let found = compiler.sink.into_found();
    match policy {
        Some(mut policy) if found.is_empty() => {
            policy.inputs = compiler.files.finish();
            policy.warnings = warnings;
            Ok(policy)
        }
        _ if found.is_empty() => Err(vec![Diagnostic::unreadable(name, "can't be compiled")]),
        _ => Err(found),
    }
}

/// What compiling needs and collects.
struct Compiler {
    sink: Sink,
    files: Files,
    /// The attributes that owners are compared with whatever the letter case.
    folding: Vec<Box<str>>,
    /// The descriptor sets that routes name; none where one can't be read.
    descriptors: HashMap<String, Option<Arc<Descriptors>>>,
}

impl Compiler {
    /// None only where a mistake was noted.
    fn policy(&mut self, document: &Document, root: &Range<usize>) -> Option<Policy> {
        if let Some((version, span)) = self.need(&document.version, root, "version", "1")
            && *version != 1
        {
            let message = format!("version {version} of the policy form is not known");
            self.sink.at(span, message, "write `version: 1`");
        }
        let name = self.need(&document.policy, root, "policy", "shop-preview");
        if let Some((name, span)) = name {
            self.check_name(name, span);
        }
        let tokens = match self.need(&document.capability, root, "capability", "{ biscuit: … }") {
            Some((form, span)) => self.tokens(form, span),
            None => None,
        };
        let revoked = self.revoked(document.capability.value());
        let bound = self.bound(document, root);
        self.check_levels(document);
        let own = self.own(document.subject.value());
        self.folding = self.fold_case(document.subject.value());
        let detect = self
            .detect(&document.detect, &document.embargo, own)
            .map(Arc::new);
        let routes = match self.need(&document.routes, root, "routes", "[{ match: GET / , … }]") {
            Some((routes, span)) => self.routes(routes, span, detect.as_ref()),
            None => None,
        };
        let mode = match document.mode.value() {
            Some(ModeWord::Observe) => Mode::Observe,
            _ => Mode::Enforce,
        };
        Some(Policy {
            name: name?.0.as_str().into(),
            inputs: Inputs::default(),
            mode,
            capability: tokens?,
            detect: detect?,
            table: routes?,
            bound: bound?,
            revoked: revoked?,
            warnings: Vec::new(),
        })
    }

    /// The attributes whose values detectors leave alone.
    fn own(&self, form: Option<&SubjectForm>) -> Vec<Box<str>> {
        let mut own: Vec<Box<str>> = vec!["user".into()];
        let Some(form) = form else {
            return own;
        };
        if let Some((id, span)) = form.id.placed()
            && id != "user"
        {
            self.sink.at(
                span,
                format!("`{id}` as the user's id is not supported by this version"),
                "write `user`: the Biscuit fact `user`, and a JSON Web Token's `sub`",
            );
        }
        for (name, span) in form
            .own
            .value()
            .into_iter()
            .flatten()
            .filter_map(Field::placed)
        {
            if name.trim().is_empty() {
                self.sink.at(
                    span,
                    "an attribute without a name",
                    "write one, such as `email`",
                );
            } else if own.iter().any(|known| **known == **name) && name != "user" {
                let message = format!("`{name}` stands twice");
                self.sink.at(span, message, "keep one of the two");
            } else {
                own.push(name.as_str().into());
            }
        }
        own
    }

    /// What stands behind a key that must be there; its absence is a mistake of its mapping.
    fn need<'f, T>(
        &self,
        field: &'f Field<T>,
        parent: &Range<usize>,
        key: &str,
        example: &str,
    ) -> Option<(&'f T, &'f Range<usize>)> {
        if field.is_absent() {
            let message = format!("`{key}` is missing");
            self.sink.at(
                &self.head(parent),
                message,
                format!("add it: `{key}: {example}`"),
            );
        }
        field.placed()
    }

    /// A reason is words for people.
    fn reason<'f>(&self, field: &'f Field<String>) -> Option<&'f str> {
        let (reason, span) = field.placed()?;
        if reason.trim().is_empty() {
            self.sink.at(
                span,
                "a reason without words",
                "say why, for whoever meets it",
            );
        }
        Some(reason)
    }

    /// Names go into headers, placeholders and the log.
    fn check_name(&self, name: &str, span: &Range<usize>) -> bool {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let fits = !name.is_empty() && name.len() <= 64 && name.chars().all(is_plain);
        if !fits {
            let remedy = "use 1 to 64 letters, digits, `-`, `_` and `.`";
            self.sink.at(span, "not a plain name", remedy);
        }
        fits
    }

    fn origin(&self, rule: &str, span: &Range<usize>) -> Origin {
        let (line, _) = self.sink.source.position(span.start);
        Origin {
            rule: rule.into(),
            file: Arc::clone(self.sink.source.file()),
            line,
        }
    }

    /// The first line of what stands at `span`.
    fn head(&self, span: &Range<usize>) -> Range<usize> {
        let text = self
            .sink
            .source
            .text()
            .get(span.clone())
            .unwrap_or_default();
        let width = text.lines().next().map_or(0, |line| line.trim_end().len());
        span.start..span.start + width
    }

    /// The place of byte `offset` of the text that stands at `span`.
    fn inside(&self, span: &Range<usize>, text: &str, offset: usize) -> Range<usize> {
        self.sink.source.inside(span, text, offset)
    }
}
