//! Buttons, lists and what else can be tapped (cloud-api.md 4.2 to 4.4).

use std::collections::HashSet;

use super::content::{media, text};
use super::error::GraphError;
use super::node::Node;
use crate::domain::message::Text;
use crate::emulator::event::{Choice, Form, Row};
use crate::emulator::world::World;

const BODY_CHARS_MAX: usize = 1_024;
const LIST_BODY_CHARS_MAX: usize = 4_096;
const FOOTER_CHARS_MAX: usize = 60;
const HEADER_CHARS_MAX: usize = 60;
const BUTTONS_MAX: usize = 3;
const ROWS_MAX: usize = 10;
const SECTIONS_MAX: usize = 10;

const TYPES: [&str; 6] = ["button", "list", "cta_url", "flow", "location_request_message", "request_contact_info"];

pub(super) fn interactive(world: &World, node: &Node<'_>) -> Result<Form, GraphError> {
    node.only(&["type", "header", "body", "footer", "action"])?;
    let kind = node.word("type", &TYPES)?;
    let header = header(world, node, kind == "list")?;
    let body_chars_max = if kind == "list" { LIST_BODY_CHARS_MAX } else { BODY_CHARS_MAX };
    let body = node.object("body")?;
    body.only(&["text"])?;
    let body = text(body.text("text", body_chars_max)?);
    let footer = match node.opt_object("footer")? {
        None => None,
        Some(footer) => {
            footer.only(&["text"])?;
            Some(text(footer.text("text", FOOTER_CHARS_MAX)?))
        }
    };
    let action = node.object("action")?;
    match kind {
        "button" => Ok(Form::Buttons { header, body, footer, buttons: buttons(&action)? }),
        "list" => {
            action.only(&["button", "sections"])?;
            let open = text(action.text("button", 20)?);
            Ok(Form::List { header, body, footer, open, rows: rows(&action)? })
        }
        "cta_url" => link(&action, body, footer),
        "flow" => flow(&action, body, footer),
        other => {
            action.only(&["name"])?;
            let wanted = if other == "location_request_message" { "send_location" } else { other };
            action.word("name", &[wanted])?;
            Ok(Form::Action { action: other.to_owned(), body, footer, label: text(wanted), url: None })
        }
    }
}

/// A header: text, or (not above a list) a picture, video or document, which the chat page does not show.
fn header(world: &World, node: &Node<'_>, list: bool) -> Result<Option<Text>, GraphError> {
    let Some(header) = node.opt_object("header")? else { return Ok(None) };
    let kinds: &[&str] = if list { &["text"] } else { &["text", "image", "video", "document"] };
    match header.word("type", kinds)? {
        "text" => {
            header.only(&["type", "text"])?;
            Ok(Some(text(header.text("text", HEADER_CHARS_MAX)?)))
        }
        kind => {
            header.only(&["type", kind])?;
            media(world, kind, &header.object(kind)?).map(|_| None)
        }
    }
}

fn buttons(action: &Node<'_>) -> Result<Vec<Choice>, GraphError> {
    action.only(&["buttons"])?;
    let mut buttons = Vec::new();
    let (mut ids, mut titles) = (HashSet::new(), HashSet::new());
    for button in action.list("buttons", 1, BUTTONS_MAX)? {
        button.only(&["type", "reply"])?;
        button.word("type", &["reply"])?;
        let reply = button.object("reply")?;
        reply.only(&["id", "title"])?;
        let (id, title) = (reply.text("id", 256)?, reply.text("title", 20)?);
        if !ids.insert(id) {
            return Err(reply.wrong("id", "different from the other buttons' ids"));
        }
        if !titles.insert(title) {
            return Err(reply.wrong("title", "different from the other buttons' titles"));
        }
        buttons.push(Choice { id: id.to_owned(), title: text(title) });
    }
    Ok(buttons)
}

fn rows(action: &Node<'_>) -> Result<Vec<Row>, GraphError> {
    let sections = action.list("sections", 1, SECTIONS_MAX)?;
    let several = sections.len() > 1;
    let mut rows = Vec::new();
    let mut ids = HashSet::new();
    for section in sections {
        section.only(&["title", "rows"])?;
        let title = section.opt_text("title", 24)?;
        if several && title.is_none() {
            return Err(section.missing("title"));
        }
        for row in section.list("rows", 1, ROWS_MAX)? {
            row.only(&["id", "title", "description"])?;
            let id = row.text("id", 200)?;
            if !ids.insert(id) {
                return Err(row.wrong("id", "different from the other rows' ids"));
            }
            let description = row.opt_text("description", 72)?.map(text);
            let section = title.map(text);
            rows.push(Row { section, id: id.to_owned(), title: text(row.text("title", 24)?), description });
        }
    }
    if rows.len() > ROWS_MAX {
        return Err(action.wrong("sections", &format!("of at most {ROWS_MAX} rows in all")));
    }
    Ok(rows)
}

fn link(action: &Node<'_>, body: Text, footer: Option<Text>) -> Result<Form, GraphError> {
    action.only(&["name", "parameters"])?;
    action.word("name", &["cta_url"])?;
    let parameters = action.object("parameters")?;
    parameters.only(&["display_text", "url"])?;
    let label = text(parameters.text("display_text", 20)?);
    let url = Some(parameters.url("url")?.to_owned());
    Ok(Form::Action { action: "cta_url".into(), body, footer, label, url })
}

fn flow(action: &Node<'_>, body: Text, footer: Option<Text>) -> Result<Form, GraphError> {
    action.only(&["name", "parameters"])?;
    action.word("name", &["flow"])?;
    let parameters = action.object("parameters")?;
    parameters.text("flow_message_version", 10)?;
    if parameters.has("flow_id") == parameters.has("flow_name") {
        return Err(parameters.wrong("flow_id", "there, or `flow_name`, but not both"));
    }
    let label = text(parameters.text("flow_cta", 30)?);
    Ok(Form::Action { action: "flow".into(), body, footer, label, url: None })
}
