//! While an answer is awaited: what is said meanwhile, what cancels, and where each answer goes.
//!
//! A message that comes in the first seconds is kept and read after the answer; later ones are told once that
//! we are still at it. MENU, BATAL, SELESAI and the like cancel: an answer that comes after is ignored.

use super::{Talk, change, greet, help, identify, login, phone, report, undo};
use crate::conversation::choice::Choice as C;
use crate::conversation::heard::Heard;
use crate::conversation::input::Keyword;
use crate::conversation::say::Draft;
use crate::conversation::state::{Said, State, Waiting};
use crate::conversation::text::table;
use crate::conversation::{Context, Effect};
use crate::domain::call::{Answer, Call, Request};
use crate::domain::certificate::Language;
use crate::domain::message::Content;
use crate::domain::time::{MINUTE_MS, SECOND_MS};

/// An answer that takes longer than this is spoken of.
const QUICK_MS: i64 = 10 * SECOND_MS;
/// "Still trying" is said again no sooner than this.
const SOOTHE_EVERY_MS: i64 = 10 * MINUTE_MS;
/// Bytes of messages kept for after the answer: they rest in the contact's record, which has a bound of its own.
const HEARD_BYTES_MAX: usize = 480;

/// The calls that a restart makes again, under the same ids.
pub(in crate::conversation) fn resume(state: &State, _: &Context<'_>) -> Vec<Effect> {
    let waiting = state.session.as_ref().and_then(|session| session.waiting.as_deref());
    let waited = waiting.map(|waiting| Call { id: waiting.call, request: waiting.request.clone() });
    let watched = state.watch.as_ref().and_then(|watch| {
        let request = Request::ReadIssued { account: watch.account, person: watch.person.clone(), dose: watch.dose };
        watch.call.map(|id| Call { id, request })
    });
    let news = state.news.and_then(|news| news.call).map(|id| Call { id, request: Request::ReadTickets });
    waited.into_iter().chain(watched).chain(news).map(|call| Effect::Call { call, after_s: 0 }).collect()
}

/// Takes a turn's messages if an answer is awaited. False: the conversation goes on.
pub(super) fn heard(talk: &mut Talk<'_>, heard: &Heard, messages: Vec<Said>) -> bool {
    let now = talk.now();
    let Some(session) = talk.state.session.as_deref_mut() else { return false };
    let Some(waiting) = session.waiting.as_deref_mut() else { return false };
    if cancels(heard) {
        session.waiting = None;
        session.family.clear();
        return false;
    }
    match heard.reading.keyword {
        Some(Keyword::English) => talk.state.language = Language::English,
        Some(Keyword::Indonesian) => talk.state.language = Language::Indonesian,
        Some(_) | None => {}
    }
    let bytes: usize = waiting.heard.iter().chain(&messages).map(bytes_of).sum();
    let is_quick = waiting.downs == 0 && now.since_ms(waiting.since) < QUICK_MS;
    if is_quick && bytes <= HEARD_BYTES_MAX {
        waiting.heard.extend(messages);
        return true;
    }
    let is_soothed = waiting.soothed_at.is_some_and(|at| now.since_ms(at) < SOOTHE_EVERY_MS);
    if heard.speaks && !heard.reading.filler && !is_soothed {
        waiting.soothed_at = Some(now);
        talk.tell(Draft::answer(table::still_trying()));
    }
    true
}

/// What a message takes up at rest, nearly.
fn bytes_of(message: &Said) -> usize {
    let content = match &message.content {
        Content::Text(text) => text.0.len(),
        Content::Choice { id, title } => id.len() + title.0.len(),
        Content::Contacts(phones) => phones.len() * 8,
        // The text within is at least as long as any bound here allows.
        Content::Edit { .. } => HEARD_BYTES_MAX,
        Content::Voice
        | Content::Photo
        | Content::File
        | Content::Sticker
        | Content::Reaction
        | Content::Location
        | Content::Revoke { .. }
        | Content::Welcome
        | Content::Unsupported => 0,
    };
    message.id.0.len() + message.quotes.as_ref().map_or(0, |id| id.0.len()) + content + 8
}

/// Whether a turn takes the request back.
fn cancels(heard: &Heard) -> bool {
    use Keyword as K;
    matches!(heard.choice, Some(C::Menu | C::Cancel | C::Finish))
        || heard.reading.undo.is_some()
        || matches!(heard.reading.keyword, Some(K::Menu | K::Cancel | K::Finish | K::EraseData | K::NotMe))
}

/// Carries an answer on; gives the messages that waited for it.
pub(super) fn answered(talk: &mut Talk<'_>, waiting: Waiting, answer: Answer) -> Vec<Said> {
    if answer == Answer::Down {
        down(talk, waiting);
        return Vec::new();
    }
    if waiting.downs > 0 {
        talk.begin_with(table::sorry_wait());
    }
    let why = waiting.why;
    match (waiting.request, answer) {
        (_, Answer::LoginGone) => greet::login_gone(talk),
        (_, Answer::Locked { until }) => login::locked(talk, until),
        (Request::ChallengeOtp { account, purpose }, Answer::OtpSent) => {
            login::otp_sent(talk, account, purpose, why);
        }
        (Request::ChallengeOtp { purpose, .. }, Answer::OtpWait { seconds, live }) => {
            login::otp_wait(talk, purpose, seconds, live);
        }
        (Request::ChallengeOtp { account, purpose }, Answer::OtpDelivered) => {
            login::otp_delivered(talk, account, purpose);
        }
        (Request::ChallengeOtp { .. }, Answer::NotRegistered) => login::not_registered(talk),
        (Request::CheckOtp { account, purpose, .. }, Answer::OtpRight(found)) => {
            login::otp_right(talk, account, purpose, found);
        }
        (Request::CheckOtp { purpose, .. }, Answer::OtpWrong { left }) => login::otp_wrong(talk, purpose, left),
        (Request::CheckOtp { purpose, .. }, Answer::OtpExpired) => login::otp_expired(talk, purpose),
        (Request::StepUp { account, .. }, Answer::StepUpRight(found)) => login::step_up_right(talk, account, found),
        (Request::StepUp { .. }, Answer::StepUpWrong { left }) => login::step_up_wrong(talk, left),
        (Request::Identify { claims, .. }, Answer::Identified { people, misses_left }) => {
            identify::identified(talk, claims, people, misses_left);
        }
        (Request::ReadRecord { .. }, Answer::Record(subject)) => identify::serve(talk, &subject),
        (Request::ChangeName { .. }, Answer::NameChanged) => change::name_changed(talk),
        (Request::ChangeName { .. }, Answer::NeedsDesk) => change::needs_desk(talk),
        (Request::ChangePhone { to, .. }, Answer::PhoneChanged) => phone::changed(talk, to),
        (Request::ChangePhone { .. }, Answer::PhoneFull) => phone::full(talk),
        (Request::ChangeName { .. } | Request::ChangePhone { .. }, Answer::ChangesShut { until }) => {
            change::shut(talk, until);
        }
        (Request::Undo { .. }, Answer::Undone { ticket }) => undo::undone(talk, &ticket),
        (Request::Undo { .. }, Answer::UndoUnknown) => undo::unknown(talk),
        (Request::FileTicket(_), Answer::TicketFiled(view)) => report::filed(talk, &view),
        (Request::AddToTicket { .. }, Answer::TicketAdded(view)) => report::added(talk, &view),
        (Request::ReopenTicket { .. }, Answer::TicketReopened(view)) => report::reopened(talk, &view),
        (Request::AddToTicket { .. } | Request::ReopenTicket { .. }, Answer::NoTicket) => report::unknown(talk),
        (Request::ReadTickets, Answer::Tickets(views)) => report::shown(talk, waiting.ticket, &views),
        (_, _) => help::trouble(talk),
    }
    waiting.heard
}

/// The neighbour is down: said once, and asked again under the same id, ever later.
fn down(talk: &mut Talk<'_>, mut waiting: Waiting) {
    let rules = talk.context.rules;
    let doubled = rules.retry_first_s.saturating_mul(1 << waiting.downs.min(16));
    let after_s = doubled.min(rules.retry_max_s);
    if waiting.downs == 0 {
        talk.tell(Draft::answer(match waiting.request {
            Request::Identify { .. }
            | Request::ReadRecord { .. }
            | Request::ReadIssued { .. }
            | Request::StepUp { .. } => table::registry_down(),
            Request::ChallengeOtp { .. }
            | Request::CheckOtp { .. }
            | Request::ChangeName { .. }
            | Request::ChangePhone { .. }
            | Request::Undo { .. }
            | Request::Leave { .. }
            | Request::FileTicket(_)
            | Request::AddToTicket { .. }
            | Request::ReopenTicket { .. }
            | Request::ReadTickets => table::service_down(),
        }));
    }
    waiting.downs = waiting.downs.saturating_add(1);
    waiting.heard.clear();
    let call = Call { id: waiting.call, request: waiting.request.clone() };
    talk.session().waiting = Some(Box::new(waiting));
    talk.push_call(call, after_s);
}
