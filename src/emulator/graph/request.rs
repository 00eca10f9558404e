//! What a body of `POST /messages` asks for, or why it is refused.

use serde_json::Value;

use super::error::{Code, GraphError};
use super::node::Node;
use super::{content, interactive, template};
use crate::domain::contact::{Bsuid, Recipient};
use crate::domain::message::Text;
use crate::domain::phone::Phone;
use crate::emulator::event::Form;
use crate::emulator::options::Number;
use crate::emulator::world::World;

/// Kinds of messages, each the name of the object that holds it.
const KINDS: [&str; 11] = [
    "text",
    "image",
    "audio",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "interactive",
    "template",
    "reaction",
];
const COMMON: [&str; 10] = [
    "messaging_product",
    "recipient_type",
    "to",
    "recipient",
    "type",
    "context",
    "biz_opaque_callback_data",
    "status",
    "message_id",
    "typing_indicator",
];
/// Longest `biz_opaque_callback_data` (cloud-api.md 2.1).
const OPAQUE_CHARS_MAX: usize = 512;
const MESSAGE_ID_CHARS_MAX: usize = 512;

/// A request that has the right shape.
pub(super) enum Request {
    Send(Box<Send>),
    MarkRead { message_id: String, typing: bool },
}

/// A message to be sent.
pub(super) struct Send {
    pub(super) to: Recipient,
    /// As it was written, for the answer.
    pub(super) input: String,
    pub(super) quotes: Option<String>,
    pub(super) opaque: Option<String>,
    pub(super) form: Form,
    /// An authentication template: never to a BSUID.
    pub(super) authentication: bool,
}

pub(super) fn parse(world: &World, number: usize, body: &Value) -> Result<Request, GraphError> {
    let root = Node::root(body)?;
    let product = root.opt_text("messaging_product", 20).ok().flatten();
    if product != Some("whatsapp") {
        return Err(GraphError::new(Code::PARAMETER, "`messaging_product` must be `whatsapp`"));
    }
    let known: Vec<_> = COMMON.iter().chain(&KINDS).copied().collect();
    root.only(&known)?;
    if root.has("status") {
        return mark_read(&root);
    }
    if root.has("recipient_type") && root.any_text("recipient_type")? != "individual" {
        return Err(GraphError::new(Code::PARAMETER, "`recipient_type` must be `individual`"));
    }
    let (to, input) = recipient(world, number, &root)?;
    let quotes = match root.opt_object("context")? {
        None => None,
        Some(context) => {
            context.only(&["message_id"])?;
            Some(context.text("message_id", MESSAGE_ID_CHARS_MAX)?.to_owned())
        }
    };
    let opaque = root.opt_text("biz_opaque_callback_data", OPAQUE_CHARS_MAX)?.map(str::to_owned);
    let kind = kind(&root)?;
    let (form, authentication) = form(world, &root, kind)?;
    Ok(Request::Send(Box::new(Send { to, input, quotes, opaque, form, authentication })))
}

fn mark_read(root: &Node<'_>) -> Result<Request, GraphError> {
    root.word("status", &["read"])?;
    let message_id = root.text("message_id", MESSAGE_ID_CHARS_MAX)?.to_owned();
    let typing = match root.opt_object("typing_indicator")? {
        None => false,
        Some(indicator) => indicator.word("type", &["text"]).map(|_| true)?,
    };
    Ok(Request::MarkRead { message_id, typing })
}

/// `to` wins over `recipient`. Without a plus, the business number's country code is put before it.
fn recipient(world: &World, number: usize, root: &Node<'_>) -> Result<(Recipient, String), GraphError> {
    if let Some(input) = root.opt_text("to", 40)? {
        let digits: String = input.chars().filter(char::is_ascii_digit).collect();
        let strange = |c: char| !c.is_ascii_digit() && !" +-()".contains(c);
        if input.contains(strange) {
            return Err(root.wrong("to", "a phone number such as +6281200000042"));
        }
        let country = world.options.numbers.get(number).map(Number::country_code).unwrap_or_default();
        let full = if input.trim_start().starts_with('+') { digits } else { format!("{country}{digits}") };
        let phone = Phone::from_wa_id(&full).filter(|_| full.len() >= 8);
        let phone = phone.ok_or_else(|| root.wrong("to", "a phone number such as +6281200000042"))?;
        return Ok((Recipient::Phone(phone), input.to_owned()));
    }
    if let Some(input) = root.opt_text("recipient", 150)? {
        let shaped = input.split_once('.').is_some_and(|(country, rest)| {
            (country == "user" || country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()))
                && !rest.is_empty()
        });
        return if shaped {
            Ok((Recipient::Bsuid(Bsuid(input.to_owned())), input.to_owned()))
        } else {
            Err(root.wrong("recipient", "a business-scoped user id such as ID.123"))
        };
    }
    Err(GraphError::new(Code::PARAMETER, "one of `to` and `recipient` is required"))
}

/// `type`, or without it the only kind that is there (text by default).
fn kind<'a>(root: &Node<'a>) -> Result<&'a str, GraphError> {
    match root.opt_text("type", 40)? {
        Some(kind) if KINDS.contains(&kind) => Ok(kind),
        Some(_) => Err(GraphError::new(Code::KIND, format!("`type` must be one of {KINDS:?}"))),
        None => Ok(KINDS.into_iter().find(|kind| root.has(kind)).unwrap_or("text")),
    }
}

fn form(world: &World, root: &Node<'_>, kind: &str) -> Result<(Form, bool), GraphError> {
    let form = match kind {
        "contacts" => content::contacts(root)?,
        "template" => return template::template(world, &root.object(kind)?),
        "text" => text(&root.object(kind)?)?,
        "location" => content::location(&root.object(kind)?)?,
        "reaction" => content::reaction(&root.object(kind)?)?,
        "interactive" => interactive::interactive(world, &root.object(kind)?)?,
        media => content::media(world, media, &root.object(media)?)?,
    };
    Ok((form, false))
}

fn text(node: &Node<'_>) -> Result<Form, GraphError> {
    node.only(&["body", "preview_url"])?;
    node.opt_flag("preview_url")?;
    Ok(Form::Text { body: Text(node.text("body", 4_096)?.to_owned()) })
}

impl Number {
    /// The country code of its display form: Indonesia's, or the digits between the plus and the first space.
    fn country_code(&self) -> &str {
        let code = self.display.strip_prefix('+').and_then(|rest| rest.split([' ', '-']).next());
        code.filter(|code| code.len() <= 3).unwrap_or("62")
    }
}
