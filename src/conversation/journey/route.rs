//! Where a turn goes: keywords first, then what was chosen, then the answer to the question, then a wish.

use super::{
    Talk, change, download, erase, family, greet, help, identify, login, lost, phone, prompt, report, status, undo,
};
use crate::conversation::choice::Choice as C;
use crate::conversation::heard::Heard;
use crate::conversation::input::{Greeting, Keyword, Wish, YesNo};
use crate::conversation::state::Question as Q;
use crate::conversation::text::table;
use crate::domain::call::Request;
use crate::domain::certificate::Language;

/// A keyword within so many words of prose is a word like any other.
const KEYWORD_WORDS_MAX: usize = 3;

/// Takes a turn.
pub(super) fn heard(talk: &mut Talk<'_>, heard: &Heard) {
    if !heard.speaks {
        return;
    }
    if talk.state.session.is_none() {
        if heard.reading.thanks && greet::is_quiet_after_end(talk) {
            return;
        }
        if heard.reading.english {
            talk.state.language = Language::English;
        }
    }
    match heard.reading.greeting {
        Some(Greeting::Salam) => talk.begin_with(table::reply_salam()),
        Some(Greeting::OmSwastiastu) => talk.begin_with(table::reply_om()),
        Some(Greeting::Shalom) => talk.begin_with(table::reply_shalom()),
        Some(Greeting::Plain) | None => {}
    }
    if acts(talk, heard) {
        return;
    }
    let Some(question) = talk.question() else { return greet::begin(talk, heard) };
    if heard.stale {
        return talk.tell(prompt::of(talk, question));
    }
    if let Some(media) = heard.media {
        return help::unreadable(talk, question, media);
    }
    keep_wish(talk, heard, question);
    if answers(talk, heard, question) {
        return;
    }
    if let Some(wish) = heard.reading.wish {
        return wished(talk, heard, wish, question);
    }
    // "iya" to nothing that can be agreed to is "I see".
    let is_nod = heard.reading.yes_no == Some(YesNo::Yes) && heard.words() <= KEYWORD_WORDS_MAX;
    if heard.reading.filler || is_nod {
        return help::filler(talk, heard, question);
    }
    help::puzzled(talk, heard, question);
}

/// Keywords and choices: what acts whatever is asked.
fn acts(talk: &mut Talk<'_>, heard: &Heard) -> bool {
    let prose = talk.question().is_some_and(Q::takes_prose) && heard.words() > KEYWORD_WORDS_MAX;
    if heard.reading.undo.is_some() || heard.reading.keyword == Some(Keyword::NotMe) {
        undo::asked(talk, heard);
        return true;
    }
    if let Some(keyword) = heard.reading.keyword.filter(|_| !prose) {
        said(talk, heard, keyword);
        return true;
    }
    match heard.choice {
        Some(choice) if chosen(talk, choice) => true,
        // A button of this session that means nothing here: where one is now.
        Some(_) => {
            match talk.question() {
                Some(question) => talk.tell(prompt::of(talk, question)),
                None => greet::begin(talk, heard),
            }
            true
        }
        None => false,
    }
}

fn said(talk: &mut Talk<'_>, heard: &Heard, keyword: Keyword) {
    match keyword {
        Keyword::Menu => login::menu(talk),
        Keyword::Cancel if talk.question() == Some(Q::Erase) => erase::cancelled(talk),
        Keyword::Cancel => login::cancel(talk),
        Keyword::Help => help::topics(talk),
        Keyword::Resend => {
            if !login::resend(talk) {
                login::menu(talk);
            }
        }
        Keyword::Officer => report::kinds(talk, true),
        Keyword::Ticket => report::show(talk, heard.reading.ticket),
        Keyword::Family => family::ask(talk),
        Keyword::English => greet::speak(talk, Language::English),
        Keyword::Indonesian => greet::speak(talk, Language::Indonesian),
        Keyword::EraseData => erase::ask(talk),
        Keyword::NotMe => undo::asked(talk, heard),
        Keyword::Finish => greet::finish(talk),
        Keyword::OldNumberLost => lost::ask(talk),
    }
}

/// Carries a choice out. False: it means nothing where the conversation stands.
fn chosen(talk: &mut Talk<'_>, choice: C) -> bool {
    match choice {
        C::AgreeThis => return greet::agree_this(talk),
        C::AgreeOther => return greet::agree_other(talk),
        C::Disagree => return greet::disagree(talk),
        C::SendCode => return greet::send_code(talk),
        C::OtherNumber => return greet::other_number(talk),
        C::NoCode => login::no_code(talk),
        C::ChangeNumber => return login::change_number(talk),
        C::Resend => return login::resend(talk),
        C::NeverRegistered => return login::never_registered(talk),
        C::OldNumberLost => lost::ask(talk),
        C::Download => start(talk, Wish::Download),
        C::Status => start(talk, Wish::Status),
        C::Change => start(talk, Wish::Change),
        C::PickName => start(talk, Wish::ChangeName),
        C::PickPhone => start(talk, Wish::ChangePhone),
        C::PickOther => start(talk, Wish::ChangeOther),
        C::Retry => return identify::again(talk),
        C::DataWrong | C::SendReport => report::kinds(talk, false),
        C::Menu => login::menu(talk),
        C::Finish => greet::finish(talk),
        C::Family => family::ask(talk),
        C::WatchYes => return status::watch(talk),
        C::Cancel if talk.question() == Some(Q::Erase) => erase::cancelled(talk),
        C::Cancel => login::cancel(talk),
        C::NameRight => return change::name_confirmed(talk),
        C::NameAgain => return change::name_again(talk),
        C::EraseYes => return erase::confirmed(talk),
        C::Erase => erase::ask(talk),
        C::AddWords => report::ask_words(talk),
        C::NotDone => report::reopen(talk),
        C::Reports => report::show(talk, None),
        C::Dose(dose) => download::dose_chosen(talk, dose),
        C::Kind(kind) => report::kind_chosen(talk, kind),
    }
    true
}

/// Whether the turn answers the question, and what comes of it.
fn answers(talk: &mut Talk<'_>, heard: &Heard, question: Q) -> bool {
    let no = heard.reading.yes_no == Some(YesNo::No);
    match question {
        Q::Consent | Q::Gone => greet::consent_answered(talk, heard),
        Q::Phone => login::phone_answered(talk, heard),
        Q::Code(purpose) => login::code_answered(talk, heard, purpose),
        Q::StepUp => login::step_up_answered(talk, heard),
        Q::Person | Q::Family => identify::person_answered(talk, heard),
        Q::Dose => download::dose_answered(talk, heard),
        Q::NewName | Q::ConfirmName => change::name_answered(talk, heard),
        Q::NewPhone => phone::answered(talk, heard),
        Q::TicketDetail => report::detail_answered(talk, heard),
        Q::TicketWords => report::words_answered(talk, heard),
        Q::Lost => lost::answered(talk, heard),
        Q::LostPhone => lost::phone_answered(talk, heard),
        Q::Locked { until } => login::still_locked(talk, heard, until),
        Q::Expired if no => {
            greet::finish(talk);
            true
        }
        Q::Watch { .. } if no => {
            login::menu(talk);
            true
        }
        Q::Expired | Q::Watch { .. } | Q::Menu | Q::Served | Q::PickChange | Q::TicketKind | Q::Erase | Q::Help => {
            false
        }
    }
}

/// A wish said before the login is kept until after it.
pub(super) fn keep_wish(talk: &mut Talk<'_>, heard: &Heard, question: Q) {
    if !is_before_login(question) {
        return;
    }
    let wanted = &mut talk.session().wanted;
    wanted.wish = heard.reading.wish.or(wanted.wish);
    wanted.dose = heard.reading.dose.or(wanted.dose);
    wanted.all |= heard.reading.all;
}

fn wished(talk: &mut Talk<'_>, heard: &Heard, wish: Wish, question: Q) {
    if talk.login().is_some() {
        let is_repeated = question == Q::Person && talk.session().wanted.wish == Some(wish);
        let wanted = &mut talk.session().wanted;
        (wanted.dose, wanted.all) = (heard.reading.dose, heard.reading.all);
        // Our question is for this very wish and still stands.
        if !(is_repeated && help::is_just_asked(talk)) {
            start(talk, wish);
        }
        return;
    }
    if !is_before_login(question) {
        return greet::begin(talk, heard);
    }
    // Our question still stands: kept, and answered only if it was not just asked.
    if !help::is_just_asked(talk) {
        talk.tell(prompt::of(talk, question));
    }
}

/// Goes after a wish as far as it is clear who it is for.
pub(super) fn start(talk: &mut Talk<'_>, wish: Wish) {
    let question = talk.question();
    let wanted = &mut talk.session().wanted;
    wanted.wish = Some(wish);
    let Some(login) = talk.login() else {
        return match question {
            Some(question) if is_before_login(question) => {
                talk.tell(prompt::of(talk, question));
            }
            Some(_) | None => greet::begin_again(talk),
        };
    };
    if needs_nobody(wish) {
        return report::kinds(talk, false);
    }
    let Some(person) = talk.known().map(|known| known.id.clone()) else {
        return talk.ask(Q::Person, prompt::of(talk, Q::Person));
    };
    match wish {
        Wish::Download | Wish::Status => talk.call(Request::ReadRecord { account: login.account, person }),
        Wish::Change | Wish::ChangeName | Wish::ChangePhone | Wish::ChangeOther => change::enter(talk),
    }
}

/// Other data goes to people, who need no record opened for it.
pub(super) fn needs_nobody(wish: Wish) -> bool {
    wish == Wish::ChangeOther
}

/// Whether a question belongs to the way to a login.
pub(super) fn is_before_login(question: Q) -> bool {
    use crate::domain::otp::OtpPurpose;
    match question {
        Q::Consent | Q::Gone | Q::Expired | Q::Phone | Q::Locked { .. } | Q::Code(OtpPurpose::Login) | Q::StepUp => {
            true
        }
        Q::Code(OtpPurpose::Fresh | OtpPurpose::NewPhone | OtpPurpose::LostPhone)
        | Q::Menu
        | Q::Person
        | Q::Family
        | Q::Dose
        | Q::Watch { .. }
        | Q::Served
        | Q::PickChange
        | Q::NewName
        | Q::ConfirmName
        | Q::NewPhone
        | Q::TicketKind
        | Q::TicketDetail
        | Q::TicketWords
        | Q::Lost
        | Q::LostPhone
        | Q::Erase
        | Q::Help => false,
    }
}
