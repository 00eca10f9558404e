//! The rules of the moment, and what acceptance means.

use std::sync::Arc;

use serde_json::{Value, json};

use super::error::{Code, GraphError};
use super::request::Send;
use crate::domain::contact::Recipient;
use crate::emulator::event::{Form, Happening, Reply};
use crate::emulator::faults::Fault;
use crate::emulator::ids;
use crate::emulator::say::Sender;
use crate::emulator::statuses::{self, Subject};
use crate::emulator::world::World;

/// Marks a citizen's message as read, and shows that someone is typing.
pub(super) fn mark_read(
    world: &Arc<World>,
    number: usize,
    message_id: &str,
    typing: bool,
) -> Result<Value, GraphError> {
    let known = world.referee.contacts.chat_of(message_id).filter(|(owner, _)| *owner == number);
    let (_, chat) = known.ok_or_else(|| GraphError::new(Code::VALUE, "`message_id` is of no message we delivered"))?;
    pass(world, number)?;
    world.publish(Some(&chat), Happening::MarkedRead { id: message_id.to_owned() });
    if typing {
        world.publish(Some(&chat), Happening::Typing);
    }
    Ok(json!({ "success": true }))
}

/// Sends a message, unless a rule forbids it now.
pub(super) fn send(world: &Arc<World>, number: usize, send: Send, fault: Option<Fault>) -> Result<Value, GraphError> {
    let own = world.options.numbers.get(number);
    if let Recipient::Phone(phone) = &send.to
        && own.is_some_and(|own| own.digits() == phone.digits().to_string())
    {
        return Err(GraphError::new(Code::TO_ITSELF, "the recipient is the sender"));
    }
    if send.authentication && matches!(send.to, Recipient::Bsuid(_)) {
        return Err(GraphError::new(Code::BSUID, "authentication templates need a phone number"));
    }
    let chat = world.referee.contacts.resolve(send.to.clone());
    let template = matches!(send.form, Form::Template { .. });
    let closed = !template && !world.referee.window_open(number, &chat, world.now());
    if closed && !world.options.rules.window_by_status {
        return Err(GraphError::new(Code::WINDOW, "more than 24 hours since the citizen's last message"));
    }
    maintained(world)?;
    world.referee.judge_in_window(number, &chat, world.now()).map_err(refusal)?;
    let fault = if closed { Some(Fault::FailedStatus(Code::WINDOW.0)) } else { fault };
    Ok(accept(world, number, &chat, send, fault))
}

/// What holds for every call that a number makes.
fn pass(world: &World, number: usize) -> Result<(), GraphError> {
    maintained(world)?;
    if world.referee.throughput_allows(number, world.now()) { Ok(()) } else { Err(refusal(Code::THROUGHPUT.0)) }
}

fn maintained(world: &World) -> Result<(), GraphError> {
    let upgrading = world.faults.in_maintenance(world.now());
    if upgrading { Err(GraphError::new(Code::MAINTENANCE, "the number is being upgraded")) } else { Ok(()) }
}

fn refusal(code: u32) -> GraphError {
    let details = match Code(code) {
        Code::PAIR => "too many messages to this recipient",
        _ => "the number's throughput has been reached",
    };
    GraphError::new(Code(code), details)
}

fn accept(world: &Arc<World>, number: usize, chat: &Recipient, send: Send, fault: Option<Fault>) -> Value {
    let id = ids::message_id();
    let subject = Subject {
        number,
        chat: chat.clone(),
        to: send.to.clone(),
        id: id.clone(),
        opaque: send.opaque.clone(),
        template: matches!(send.form, Form::Template { .. }),
        reaction: matches!(send.form, Form::Reaction { .. }),
    };
    world.history.open(chat, &Sender::of_chat(chat));
    if let Some(Fault::FailedStatus(code)) = fault {
        statuses::fail(world, &subject, code);
    } else {
        let answers = world.referee.contacts.answered(number, chat);
        let number = world.options.numbers.get(number).map(|own| own.id.clone()).unwrap_or_default();
        let Send { quotes, opaque, form, .. } = send;
        let reply = Reply { id: id.clone(), number, quotes, opaque, answers, form };
        world.publish(Some(chat), Happening::Replied(reply));
        statuses::follow(world, &subject);
    }
    let contact = match &send.to {
        Recipient::Phone(phone) => json!({ "input": send.input, "wa_id": phone.digits().to_string() }),
        Recipient::Bsuid(bsuid) => json!({ "input": send.input, "user_id": bsuid }),
    };
    json!({ "messaging_product": "whatsapp", "contacts": [contact], "messages": [{ "id": id }] })
}
