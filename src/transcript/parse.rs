//! From lines to steps. Every line is one of the format's or an error that says what is allowed.

use super::directive::{Directive, Fault, mobile, phone_number};
use super::{Expected, ExpectedSms, Pattern, Said, Step, Transcript, TranscriptError, Turn, Way, What};

/// A line break inside a message.
const BREAK: char = '⏎';

const LINES: &str = "`> ` and what the citizen sends, `< ` and what the service says, `#` and a note or directive";
const SAID: &str = "(sticker), (voice note), (photo), (file), (location), (reaction), (contact 0812-…), (edit) text, \
     (revoke), (welcome), (quote N) text, [Title], or a text";
const SMS: &str = "`# SMS to 0812-0000-0042: text` or `# Template to 0812-0000-0042: code`";

impl Transcript {
    /// Reads a transcript. `file` is its name in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, TranscriptError> {
        let mut steps: Vec<Step> = Vec::new();
        // Whether the line before was a `> ` too, so that this one arrives together with it.
        let mut together = false;
        for (line, text) in (1..).zip(text.lines()) {
            let what =
                read(text).map_err(|(what, allowed)| TranscriptError { file: file.to_owned(), line, what, allowed })?;
            let spoken = matches!(what, Some(What::Turn(Turn { checked: true, .. })));
            match (what, steps.last_mut()) {
                (Some(What::Turn(turn)), Some(Step { what: What::Turn(earlier), .. })) if spoken && together => {
                    earlier.said.extend(turn.said);
                }
                (Some(what), _) => steps.push(Step { line, what }),
                (None, _) => {}
            }
            together = spoken;
        }
        Ok(Self { steps })
    }
}

fn read(line: &str) -> Result<Option<What>, Fault> {
    let line = line.trim_end();
    if let Some(text) = line.strip_prefix("> ") {
        return said(text).map(|said| Some(What::Turn(Turn { said: vec![said], checked: true })));
    }
    if let Some(text) = line.strip_prefix("< ") {
        return Ok(Some(if text == "(diam)" { What::Silence } else { What::Reply(expected(text)) }));
    }
    match line.strip_prefix('#') {
        Some(note) => hash(note).map(Some),
        None if line.is_empty() => Ok(None),
        None => Err((format!("the line starts with {:?}", line.chars().take(2).collect::<String>()), LINES)),
    }
}

fn hash(note: &str) -> Result<What, Fault> {
    let text = note.trim_start();
    if let Some(said_before) = text.strip_prefix("@> ") {
        return said(said_before).map(|said| What::Turn(Turn { said: vec![said], checked: false }));
    }
    if let Some(directive) = text.strip_prefix('@') {
        return Directive::read(directive).map(What::Directive);
    }
    let ways = [("SMS to ", Way::Sms), ("Template to ", Way::Template)];
    if let Some((sms, way)) = ways.into_iter().find_map(|(mark, way)| Some((text.strip_prefix(mark)?, way))) {
        let read = sms.split_once(": ").and_then(|(to, text)| Some((mobile(to)?, text)));
        let (to, text) = read.ok_or_else(|| (format!("`{sms}` is no SMS"), SMS))?;
        return Ok(What::Sms(ExpectedSms { way, to, text: Pattern::new(broken(text)) }));
    }
    Ok(What::Note(note.to_owned()))
}

fn broken(text: &str) -> String {
    text.replace(BREAK, "\n")
}

fn said(text: &str) -> Result<Said, Fault> {
    if let Some(title) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Ok(Said::Tap(title.to_owned()));
    }
    let Some((kind, rest)) = text.strip_prefix('(').and_then(|inner| inner.split_once(')')) else {
        return Ok(Said::Text(broken(text)));
    };
    let rest = rest.trim_start();
    let (kind, argument) = kind.split_once(' ').unwrap_or((kind, ""));
    Ok(match (kind, argument, rest) {
        ("sticker", "", "") => Said::Sticker,
        ("voice", "note", "") => Said::Voice,
        ("photo", "", "") => Said::Photo,
        ("file", "", "") => Said::File,
        ("location", "", "") => Said::Location,
        ("reaction", "", "") => Said::Reaction,
        ("welcome", "", "") => Said::Welcome,
        ("revoke", "", "") => Said::Revoke,
        ("edit", "", rest) if !rest.is_empty() => Said::Edit(broken(rest)),
        ("contact", number, "") => {
            Said::Contact(phone_number(number).ok_or_else(|| (format!("`{number}` is no number"), SAID))?)
        }
        ("quote", nth, rest) if !rest.is_empty() => {
            let nth = nth.parse().ok().filter(|nth| *nth > 0).ok_or_else(|| (format!("`{nth}` is no count"), SAID))?;
            Said::Quote { nth, text: broken(rest) }
        }
        _ => return Err((format!("`{text}` is nothing that a citizen sends"), SAID)),
    })
}

/// A message of the service: its buttons and rows are the brackets at the end.
fn expected(text: &str) -> Expected {
    let (mut text, mut buttons, mut rows) = (text.trim_end(), Vec::new(), Vec::new());
    while let Some((before, row)) = last_group(text, '{', '}') {
        rows.insert(0, row.to_owned());
        text = before;
    }
    while let Some((before, button)) = last_group(text, '[', ']') {
        buttons.insert(0, button.to_owned());
        text = before;
    }
    let document = text.strip_prefix("(PDF ").and_then(|rest| rest.split_once(')'));
    let (document, text) = match document {
        Some((name, caption)) => (Some(name.to_owned()), caption.trim_start()),
        None => (None, text),
    };
    Expected { document, text: Pattern::new(broken(text)), buttons, rows }
}

fn last_group(text: &str, open: char, close: char) -> Option<(&str, &str)> {
    let (before, inner) = text.strip_suffix(close)?.rsplit_once(open)?;
    Some((before.trim_end(), inner))
}
