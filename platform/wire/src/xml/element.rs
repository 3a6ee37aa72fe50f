//! An XML text as a tree of elements.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Elements may stand in one another this deep.
const MOST_DEPTH: usize = 128;

/// One element. Namespaces are not resolved: AWS's bodies have one at a time, and prefixes are dropped.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// The name without its prefix.
    pub(crate) name: String,
    /// Names as written, with prefixes: `xsi:type`.
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    pub(crate) text: String,
}

impl Element {
    /// Reads a whole text. There are no entities but XML's own, and a document type is refused, so a small body
    /// cannot become a large tree.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        loop {
            let event = reader.read_event().map_err(|error| error.to_string())?;
            match event {
                Event::Start(start) => {
                    if open.len() == MOST_DEPTH {
                        return Err(format!("elements are nested deeper than {MOST_DEPTH} levels"));
                    }
                    if root.is_some() {
                        return Err("there is more than one root element".to_owned());
                    }
                    open.push(Self::from_start(&start)?);
                }
                Event::Empty(start) => close(Self::from_start(&start)?, &mut open, &mut root)?,
                Event::End(_) => {
                    let element = open.pop().ok_or("an element is closed that is not open")?;
                    close(element, &mut open, &mut root)?;
                }
                Event::Text(text) => {
                    add_text(&text.xml10_content(), &mut open)?;
                }
                Event::CData(text) => {
                    add_text(&text.xml10_content(), &mut open)?;
                }
                Event::GeneralRef(reference) => {
                    let name: &str = &reference;
                    let character = match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                        Some(character) => character,
                        None => {
                            predefined_entity(name).ok_or_else(|| format!("there is no entity &{name};"))?
                        }
                    };
                    add_text(character.encode_utf8(&mut [0; 4]), &mut open)?;
                }
                Event::DocType(_) => return Err("a document type is not allowed".to_owned()),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        if !open.is_empty() {
            return Err("the text ends within an element".to_owned());
        }
        root.ok_or_else(|| "there is no root element".to_owned())
    }

    fn from_start(start: &BytesStart<'_>) -> Result<Self, String> {
        let name = start.local_name().as_ref().to_owned();
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value = quick_xml::escape::unescape(&attribute.value).map_err(|error| error.to_string())?;
            attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        Ok(Self { name, attributes, ..Self::default() })
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of a child, where it is there.
    pub(crate) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) -> Result<(), String> {
    match (open.last_mut(), root.as_ref()) {
        (Some(parent), _) => parent.children.push(element),
        (None, None) => *root = Some(element),
        (None, Some(_)) => return Err("there is more than one root element".to_owned()),
    }
    Ok(())
}

fn add_text(text: &str, open: &mut [Element]) -> Result<(), String> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}').is_empty() => {}
        None => return Err("there is text outside the root element".to_owned()),
    }
    Ok(())
}

fn predefined_entity(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}
