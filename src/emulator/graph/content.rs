//! Media, places, people and reactions in a request (cloud-api.md 4.5, 4.8).

use super::error::{Code, GraphError};
use super::node::Node;
use crate::domain::message::Text;
use crate::emulator::event::Form;
use crate::emulator::media;
use crate::emulator::world::World;

const CAPTION_CHARS_MAX: usize = 1_024;
const FILE_NAME_CHARS_MAX: usize = 240;
const CARDS_MAX: usize = 257;

pub(super) fn text(text: &str) -> Text {
    Text(text.to_owned())
}

/// An image, audio, video, document or sticker: by the id of an upload, or by a link, which is not fetched.
pub(super) fn media(world: &World, kind: &str, node: &Node<'_>) -> Result<Form, GraphError> {
    match kind {
        "document" => node.only(&["id", "link", "caption", "filename"])?,
        "image" | "video" => node.only(&["id", "link", "caption"])?,
        "audio" => node.only(&["id", "link", "voice"])?,
        _ => node.only(&["id", "link"])?,
    }
    let media = match (node.opt_text("id", 100)?, node.has("link")) {
        (Some(_), true) => return Err(node.wrong("link", "absent when there is an `id`")),
        (None, false) => return Err(node.missing("id")),
        (None, true) => node.url("link").map(|_| None)?,
        (Some(id), false) => {
            let file = world.media.file(id).ok_or_else(|| node.wrong("id", "the id of an uploaded file"))?;
            if !media::fits(kind, &file.mime_type) {
                return Err(GraphError::new(Code::MEDIA, format!("a file of this type cannot be sent as {kind}")));
            }
            Some(id.to_owned())
        }
    };
    let caption = node.opt_text("caption", CAPTION_CHARS_MAX)?.map(text);
    if kind != "document" {
        return Ok(Form::Media { what: kind.to_owned(), caption, media });
    }
    let file_name = text(node.opt_text("filename", FILE_NAME_CHARS_MAX)?.unwrap_or("file"));
    Ok(Form::Document { file_name, caption, media })
}

pub(super) fn location(node: &Node<'_>) -> Result<Form, GraphError> {
    node.only(&["latitude", "longitude", "name", "address"])?;
    node.degrees("latitude", 90.0)?;
    node.degrees("longitude", 180.0)?;
    let name = node.opt_text("name", 1_000)?.map(text);
    Ok(Form::Location { name, address: node.opt_text("address", 1_000)?.map(text) })
}

pub(super) fn contacts(root: &Node<'_>) -> Result<Form, GraphError> {
    let mut names = Vec::new();
    for card in root.list("contacts", 1, CARDS_MAX)? {
        card.only(&["addresses", "birthday", "emails", "name", "org", "phones", "urls"])?;
        let name = card.object("name")?;
        names.push(text(name.text("formatted_name", 1_000)?));
        if card.has("phones") {
            card.list("phones", 0, 20)?;
        }
    }
    Ok(Form::Contacts { names })
}

pub(super) fn reaction(node: &Node<'_>) -> Result<Form, GraphError> {
    node.only(&["message_id", "emoji"])?;
    let to = node.text("message_id", 512)?.to_owned();
    let emoji = node.any_text("emoji")?;
    if emoji.is_ascii() && !emoji.is_empty() || emoji.chars().count() > 12 {
        return Err(node.wrong("emoji", "one emoji, or empty to take it back"));
    }
    Ok(Form::Reaction { to, emoji: (!emoji.is_empty()).then(|| emoji.to_owned()) })
}
