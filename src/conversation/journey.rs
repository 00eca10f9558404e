//! The journeys: one module a part of conversation.md 3, and the [`Talk`] they all work on.
//!
//! A journey reads the [`Heard`] turn or an answer, changes the state, and says or asks through [`Talk`], which
//! keeps the rules of a step: one call at most, one reply a turn (certificates and notices excepted).

mod change;
mod download;
mod erase;
mod family;
mod greet;
mod help;
mod identify;
mod late;
mod login;
mod lost;
mod notice;
mod phone;
mod prompt;
mod report;
mod route;
mod status;
mod undo;
mod wait;

use super::choice::Choice;
use super::heard::Heard;
use super::say::Draft;
use super::state::{Answered, Known, Login, Question, Said, Session, State, Waiting, Why};
use super::text::value::Phrase;
use super::{Context, Effect, Event, Reply, Step};
use crate::domain::call::{Answer, Call, CallId, Request};
use crate::domain::message::{Content, Inbound, MessageId, Outbound, ReplyKind, Text};
use crate::domain::phone::Mobile;
use crate::domain::time::Timestamp;

pub(super) use wait::resume;

/// One turn at work.
pub(super) struct Talk<'a> {
    pub state: State,
    pub context: &'a Context<'a>,
    effects: Vec<Effect>,
    said: Vec<Reply>,
    /// Said before the turn's first reply.
    before: Vec<Phrase>,
}

/// Takes all of a turn's events and gives what came of them.
pub(super) fn turn(state: State, events: Vec<Event>, context: &Context<'_>) -> Step {
    let mut talk = Talk { state, context, effects: Vec::new(), said: Vec::new(), before: Vec::new() };
    greet::close_if_over(&mut talk);
    talk.state.budget.take_if(|budget| budget.is_over(context.now));
    let (mut messages, mut late) = (Vec::new(), Vec::new());
    let mut woken = false;
    for event in events {
        match event {
            Event::Notice(notice) => notice::noticed(&mut talk, notice),
            Event::Answer { call, answer } => messages.extend(talk.answered(call, answer)),
            Event::Message(message) => messages.push(said(message)),
            Event::Late(message) => {
                // The 24 h in which we may write run from when it was sent.
                talk.state.heard_at = talk.state.heard_at.max(Some(message.sent_at));
                late.push(said(message));
            }
            Event::Wake => woken = true,
        }
    }
    talk.heard(messages, late);
    if woken {
        status::watch_again(&mut talk);
    }
    notice::read_news(&mut talk);
    talk.finish()
}

impl Talk<'_> {
    pub(super) fn now(&self) -> Timestamp {
        self.context.now
    }

    /// The session, opened if there is none.
    pub(super) fn session(&mut self) -> &mut Session {
        let now = self.context.now;
        self.state.session.get_or_insert_with(|| Box::new(Session::open(now)))
    }

    pub(super) fn question(&self) -> Option<Question> {
        self.state.session.as_ref().map(|session| session.question)
    }

    pub(super) fn login(&self) -> Option<Login> {
        self.state.session.as_ref().and_then(|session| session.login)
    }

    pub(super) fn known(&self) -> Option<&Known> {
        self.state.session.as_ref().and_then(|session| session.person.as_deref())
    }

    /// The chat's own number, if it is one that an account can stand under.
    pub(super) fn own(&self) -> Option<Mobile> {
        self.context.identity.phone.and_then(Mobile::from_phone)
    }

    /// Says something that changes what is asked: `question` is open from here on.
    pub(super) fn ask(&mut self, question: Question, draft: Draft) {
        let now = self.now();
        let session = self.session();
        session.question = question;
        session.offered.clone_from(&draft.choices);
        session.asked_at = now;
        session.puzzled = 0;
        self.say(draft);
    }

    /// Says something while the same is asked. Ways on that it offers replace the earlier ones.
    pub(super) fn tell(&mut self, draft: Draft) {
        let now = self.now();
        if let Some(session) = self.state.session.as_deref_mut() {
            session.asked_at = now;
            if !draft.choices.is_empty() {
                session.offered.clone_from(&draft.choices);
            }
        }
        self.say(draft);
    }

    /// Says a certificate.
    pub(super) fn hand_over(&mut self, message: Outbound) {
        let epoch = self.state.login();
        self.said.push(Reply { kind: ReplyKind::Document, message, epoch });
    }

    /// Tells of something unasked; stands beside the turn's reply.
    pub(super) fn notify(&mut self, draft: &Draft) {
        let reply = draft.write(self.context.texts, self.state.language, self.state.epoch, self.state.login());
        self.effects.push(Effect::Say(reply));
    }

    /// Puts a sentence before the turn's first reply.
    pub(super) fn begin_with(&mut self, phrase: Phrase) {
        self.before.push(phrase);
    }

    /// What stands before the first reply, for one that is no [`Draft`].
    pub(super) fn take_beginning(&mut self) -> String {
        let phrases = std::mem::take(&mut self.before);
        phrases.iter().map(|phrase| self.context.texts.render(phrase, self.state.language) + " ").collect()
    }

    pub(super) fn call(&mut self, request: Request) {
        self.call_with(request, |_| {});
    }

    /// Makes the step's one call; the state waits for its answer.
    pub(super) fn call_with(&mut self, request: Request, set: impl FnOnce(&mut Waiting)) {
        let (now, call) = (self.now(), self.context.call);
        let mut waiting = Waiting {
            call,
            request: request.clone(),
            since: now,
            why: Why::First,
            ticket: None,
            downs: 0,
            soothed_at: None,
            heard: Vec::new(),
        };
        set(&mut waiting);
        self.session().waiting = Some(Box::new(waiting));
        self.push_call(Call { id: call, request }, 0);
    }

    /// A call whose answer nobody waits for.
    pub(super) fn push_call(&mut self, call: Call, after_s: u32) {
        // A step makes one call at most: the later wish is what counts.
        self.effects.retain(|effect| !matches!(effect, Effect::Call { .. }));
        self.effects.push(Effect::Call { call, after_s });
    }

    pub(super) fn makes_call(&self) -> bool {
        self.effects.iter().any(|effect| matches!(effect, Effect::Call { .. }))
    }

    pub(super) fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn has_spoken(&self) -> bool {
        !self.said.is_empty()
    }

    fn say(&mut self, mut draft: Draft) {
        for phrase in std::mem::take(&mut self.before).into_iter().rev() {
            draft = draft.after(phrase);
        }
        let reply = draft.write(self.context.texts, self.state.language, self.state.epoch, self.state.login());
        match self.said.last_mut() {
            // An answer of this very turn is not lost: what follows is said below it.
            Some(before) if before.kind == ReplyKind::Answer => merge(before, reply),
            Some(before) if before.kind == ReplyKind::Prompt => *before = reply,
            Some(_) | None => self.said.push(reply),
        }
    }

    /// Reads the messages of a turn, those that came while an answer was awaited among them.
    fn heard(&mut self, mut messages: Vec<Said>, mut late: Vec<Said>) {
        let taken_back: Vec<_> = messages.iter().chain(&late).filter_map(taken_back).collect();
        messages.retain(|message| !taken_back.contains(&message.id));
        late.retain(|message| !taken_back.contains(&message.id));
        self.effects.extend(taken_back.into_iter().map(Effect::Purge));
        let late = late::begin(self, &late);
        if !messages.is_empty() {
            self.heard_now(messages);
        }
        if let Some(late) = late {
            late::end(self, &late);
        }
    }

    fn heard_now(&mut self, messages: Vec<Said>) {
        let now = self.now();
        self.state.heard_at = Some(now);
        if let Some(session) = self.state.session.as_deref_mut() {
            session.heard_at = now;
        }
        let heard = Heard::read(&messages, &self.state, self.context);
        if wait::heard(self, &heard, messages) {
            return;
        }
        let (asked, was_open) = (self.question(), self.state.session.is_some());
        if !was_open && greet::is_fenced(self, &heard) {
            return;
        }
        route::heard(self, &heard);
        if !was_open && self.state.session.is_some() {
            let rules = self.context.rules;
            self.state.budget().note_session(now, rules);
        }
        if let (Some(message), Some(session)) = (heard.last, self.state.session.as_deref_mut()) {
            session.answered = asked.map(|question| Answered { message, question });
        }
    }

    /// Takes an answer and gives the messages that waited for it.
    fn answered(&mut self, call: CallId, answer: Answer) -> Vec<Said> {
        if status::watch_answered(self, call, &answer) || notice::news_read(self, call, &answer) {
            return Vec::new();
        }
        let Some(session) = self.state.session.as_deref_mut() else { return Vec::new() };
        let Some(waiting) = session.waiting.take_if(|waiting| waiting.call == call) else { return Vec::new() };
        wait::answered(self, *waiting, answer)
    }

    fn finish(mut self) -> Step {
        let says = std::mem::take(&mut self.said).into_iter().map(Effect::Say);
        // What is erased goes first, so that it does not take the answer with it; calls go last.
        let (calls, mut effects): (Vec<_>, Vec<_>) =
            self.effects.into_iter().partition(|effect| matches!(effect, Effect::Call { .. }));
        effects.extend(says);
        effects.extend(calls);
        let session = self.state.session.as_ref().map(|session| session.ends_at(self.context.rules));
        let watch = self.state.watch.as_ref().filter(|watch| watch.call.is_none()).map(|watch| watch.next_at);
        let wake_at = session.into_iter().chain(watch).min();
        Step { state: self.state, effects, wake_at }
    }
}

fn said(message: Inbound) -> Said {
    Said { id: message.id, quotes: message.quotes, content: message.content }
}

/// What a message takes back, if that is what it does.
fn taken_back(message: &Said) -> Option<MessageId> {
    if let Content::Revoke { original } = &message.content { Some(original.clone()) } else { None }
}

/// Puts a reply below an answer of the same turn.
fn merge(before: &mut Reply, reply: Reply) {
    let (Outbound::Text { body: first } | Outbound::Buttons { body: first, .. } | Outbound::List { body: first, .. }) =
        &before.message
    else {
        return;
    };
    let first = first.clone();
    let (epoch, mut message) = (before.epoch.or(reply.epoch), reply.message);
    if let Outbound::Text { body } | Outbound::Buttons { body, .. } | Outbound::List { body, .. } = &mut message {
        *body = Text(format!("{}\n\n{}", first.0, body.0).chars().take(1024).collect());
    }
    *before = Reply { kind: ReplyKind::Answer, message, epoch };
}

/// Ways on after something was served.
pub(super) const WAYS_ON: [Choice; 2] = [Choice::Menu, Choice::Finish];
