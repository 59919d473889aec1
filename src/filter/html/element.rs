//! What the standard says about elements by their names.

/// Elements whose end tag may be left out where their parent ends (WHATWG HTML section 13.1.2.4).
pub(super) fn may_stay_open(name: &str) -> bool {
    matches!(
        name,
        "caption"
            | "colgroup"
            | "dd"
            | "dt"
            | "li"
            | "optgroup"
            | "option"
            | "p"
            | "rp"
            | "rt"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
    )
}

/// Elements whose content is text to some readers and markup to others.
pub(super) fn is_doubtful(name: &str) -> bool {
    matches!(name, "iframe" | "noembed" | "noframes" | "noscript" | "xmp")
}

/// Elements whose text is a script or a style sheet.
pub(super) fn is_code(name: &str) -> bool {
    matches!(name, "script" | "style")
}

/// Attributes that hold an address.
pub(super) fn is_address(name: &str) -> bool {
    matches!(
        name,
        "action"
            | "background"
            | "cite"
            | "codebase"
            | "content"
            | "data"
            | "formaction"
            | "href"
            | "icon"
            | "imagesrcset"
            | "longdesc"
            | "lowsrc"
            | "manifest"
            | "ping"
            | "poster"
            | "src"
            | "srcset"
            | "xlink:href"
    )
}

/// Attributes that are an address, or several: browsers take tabs and line breaks out of them. The `content` of a tag may
/// be a text.
pub(super) fn is_link(name: &str) -> bool {
    is_address(name) && name != "content"
}

/// What stands in the place of somebody else's element.
pub(super) fn placeholder(name: &str) -> String {
    let text = "[redacted]";
    match name {
        "tr" => format!("<tr><td>{text}</td></tr>"),
        "tbody" | "thead" | "tfoot" | "table" => {
            format!("<{name}><tr><td>{text}</td></tr></{name}>")
        }
        "dd" | "dt" | "li" | "option" | "p" | "td" | "th" => format!("<{name}>{text}</{name}>"),
        _ => format!("<span>{text}</span>"),
    }
}
