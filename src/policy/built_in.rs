//! The names of built-in packs and detectors, and what to say about others.

use crate::policy::suggest;
use crate::scan::packs;

/// A built-in detector has this name.
#[must_use]
pub fn is_detector(name: &str) -> bool {
    let mut detectors = packs().iter().flat_map(|pack| &pack.detectors);
    detectors.any(|detector| *detector.name == *name)
}

/// The complaint about a name that no pack and no detector has, and its remedy.
#[must_use]
pub fn unknown(name: &str) -> (String, String) {
    let pack_names = packs().iter().map(|pack| &*pack.name);
    let detectors = packs().iter().flat_map(|pack| &pack.detectors);
    let names: Vec<&str> = pack_names
        .chain(detectors.map(|detector| &*detector.name))
        .collect();
    let remedy = match suggest::nearest(name, &names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let known: Vec<String> = packs()
                .iter()
                .map(|pack| format!("`{}`", pack.name))
                .collect();
            format!(
                "packs are {}; docs/detectors.md lists what is in them",
                known.join(", ")
            )
        }
    };
    let message = format!(
        "no pack and no detector is called `{}`",
        suggest::shorten(name)
    );
    (message, remedy)
}
