//! What is looked for: detectors by name, own patterns, lists of terms.

use std::collections::BTreeSet;
use std::path::Path;

use crate::policy::{built_in, dictionary};
use crate::scan::{
    Automaton, BuildError, BuildErrorKind, Detector, Dictionary, DictionaryErrorKind, PatternSet,
    packs,
};

/// Everything that is looked for, compiled.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) automaton: Automaton,
    /// In the order of their patterns' ids.
    pub(super) detectors: Vec<Known>,
}

/// One thing that is looked for.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: Box<str>,
    pub(super) description: Box<str>,
    pub(super) is_list: bool,
    /// Finds this alone, under the id 0; only where costs are measured.
    pub(super) alone: Option<Automaton>,
}

/// What was asked for, by the user's words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) packs: &'a [String],
    pub(super) patterns: &'a [(String, String)],
    pub(super) terms: &'a [std::path::PathBuf],
    pub(super) is_measured: bool,
}

/// Compiles what was asked for; the error is a complaint and its remedy.
pub(super) fn compile(asked: Asked<'_>) -> Result<Search, String> {
    let default = ["pii".to_owned(), "secrets".to_owned()];
    let is_default = asked.packs.is_empty() && asked.patterns.is_empty() && asked.terms.is_empty();
    let wanted = if is_default { &default } else { asked.packs };
    let mut building = Building {
        set: PatternSet::new(),
        detectors: Vec::new(),
        is_measured: asked.is_measured,
    };
    for detector in built_ins(wanted)? {
        let description = &*detector.description;
        let about = |error: BuildError| format!("`{}`: {error}", detector.name);
        let add = |set: &mut PatternSet| set.detector(detector).map(drop);
        building
            .add(&detector.name, description, false, add)
            .map_err(about)?;
    }
    for (name, pattern) in asked.patterns {
        building.claim(name)?;
        let about = |error| format!("`--pattern {name}`: {}", refusal(&error));
        let add = |set: &mut PatternSet| set.regex(pattern).map(drop);
        building
            .add(name, "An own pattern.", false, add)
            .map_err(about)?;
    }
    for path in asked.terms {
        building.list(path)?;
    }
    let automaton = building.set.build().map_err(|error| refusal(&error))?;
    Ok(Search {
        automaton,
        detectors: building.detectors,
    })
}

/// The detectors of these names, once each, in the order of the packs.
fn built_ins(names: &[String]) -> Result<Vec<&'static Detector>, String> {
    let mut wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for pack in packs() {
        for detector in &pack.detectors {
            if wanted.contains(&*pack.name) || wanted.contains(&*detector.name) {
                known.extend([&*pack.name, &*detector.name]);
                found.push(detector);
            }
        }
    }
    wanted.retain(|name| !known.contains(name));
    match wanted.first() {
        None => Ok(found),
        Some(name) => {
            let (message, remedy) = built_in::unknown(name);
            Err(format!("{message}\n  {remedy}"))
        }
    }
}

struct Building {
    set: PatternSet,
    detectors: Vec<Known>,
    is_measured: bool,
}

impl Building {
    fn add(
        &mut self,
        name: &str,
        description: &str,
        is_list: bool,
        add: impl Fn(&mut PatternSet) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        add(&mut self.set)?;
        let alone = if self.is_measured {
            let mut set = PatternSet::new();
            add(&mut set)?;
            Some(set.build()?)
        } else {
            None
        };
        self.detectors.push(Known {
            name: name.into(),
            description: description.into(),
            is_list,
            alone,
        });
        Ok(())
    }

    /// A list is called as its file, without folder and extension.
    fn list(&mut self, path: &Path) -> Result<(), String> {
        let shown = path.display();
        if let Some(dictionary) = compiled(path)? {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            self.claim(&name)?;
            let add = |set: &mut PatternSet| set.dictionary(dictionary.clone()).map(drop);
            let added = self.add(&name, "A dictionary.", true, add);
            return added.map_err(|error| refusal(&error));
        }
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("the list `{shown}` can't be read: {error}"))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        self.claim(&name)?;
        let terms: Vec<&str> = dictionary::terms(&text).collect();
        if terms.is_empty() {
            return Err(format!(
                "the list `{shown}` has no terms\n  write one term a line"
            ));
        }
        let add = |set: &mut PatternSet| set.terms(terms.iter().copied()).map(drop);
        self.add(&name, "A list of terms.", true, add)
            .map_err(|error| blame(path, &text).unwrap_or_else(|| refusal(&error)))
    }

    /// Takes a name, once: findings are told apart by it.
    fn claim(&self, name: &str) -> Result<(), String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
            let remedy = "use 1 to 64 letters, digits, `-`, `_` and `.`";
            return Err(format!(
                "`{}` is no plain name\n  {remedy}",
                name.escape_debug()
            ));
        }
        let remedy = "choose another: findings are told apart by it";
        if built_in::is_detector(name) {
            let message = format!("`{name}` is a built-in detector's name");
            return Err(format!("{message}\n  {remedy}"));
        }
        if self.detectors.iter().any(|other| *other.name == *name) {
            return Err(format!("`{name}` is taken already\n  {remedy}"));
        }
        Ok(())
    }
}

/// The first line of a list that can't be a term: by its number, as the term may be a secret.
fn blame(path: &Path, text: &str) -> Option<String> {
    for (index, line) in text.lines().enumerate() {
        for term in dictionary::terms(line) {
            if let Err(error) = PatternSet::new().terms([term]) {
                let place = format!("{}:{}", path.display(), index + 1);
                return Some(format!("{place}: {}", refusal(&error)));
            }
        }
    }
    None
}

/// The dictionary in a file that holds a compiled one; none where it may list terms.
fn compiled(path: &Path) -> Result<Option<Dictionary>, String> {
    // What can be read once alone (a pipe) lists terms.
    if !path.is_file() {
        return Ok(None);
    }
    let whole = Dictionary::open(path).and_then(|dictionary| {
        dictionary.verify()?;
        Ok(dictionary)
    });
    match whole {
        Ok(dictionary) => Ok(Some(dictionary)),
        Err(error) => match error.kind() {
            DictionaryErrorKind::Foreign | DictionaryErrorKind::Io(_) => Ok(None),
            _ => {
                let shown = path.display();
                Err(format!("`{shown}`: {error}\n  {}", error.remedy()))
            }
        },
    }
}

/// Why the engine refuses a pattern, and what to write instead.
fn refusal(error: &BuildError) -> String {
    let remedy = error.remedy();
    match error.kind() {
        BuildErrorKind::Syntax { reason, .. } => {
            format!("not a regular expression: {reason}\n  {remedy}")
        }
        _ => format!("{error}\n  {remedy}"),
    }
}
