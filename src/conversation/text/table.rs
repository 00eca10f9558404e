//! The closed table of every key: its arguments and the place it stands in.
//!
//! A key is a function here, a message in `config/text/id.ftl` and one in `config/text/en.ftl`; loading fails
//! when the three differ.

use time::Date;

use super::value::{
    Argument, Clock, Count, Day, DoseLines, Initial, OtherTickets, PeopleLines, Phrase, Service, Sort, StatusLines,
    Vaccine, Want, WholeName, Word, Words, Written,
};
use crate::domain::otp::{Otp, UndoCode};
use crate::domain::phone::Ending;
use crate::domain::ticket::TicketNumber;

/// One key.
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) arguments: &'static [(&'static str, Sort)],
}

/// Where a key stands; decides how long it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The body of a message, with or without buttons; kept within the smaller limit, that of buttons.
    Body,
    /// A short sentence before a body.
    Prefix,
    /// Stands within another key.
    Part,
    Caption,
    Footer,
    /// A reply button, or the button that opens a list.
    Button,
    Row,
    Sms,
}

macro_rules! phrases {
    ($($name:ident($($argument:ident: $kind:ty),*) $shape:ident;)+) => {
        pub(super) const TABLE: &[Entry] = &[$(Entry {
            name: stringify!($name),
            shape: Shape::$shape,
            arguments: &[$((stringify!($argument), <$kind as Argument>::SORT)),*],
        }),+];
        $(
            pub fn $name($($argument: $kind),*) -> Phrase {
                Phrase::new(stringify!($name), vec![$((stringify!($argument), $argument.value())),*])
            }
        )+
    };
}

phrases! {
    month(n: Count) Part;
    weekday(n: Count) Part;
    date(day: Count, month: Written, year: Count) Part;
    weekday_date(weekday: Written, date: Written) Part;
    reply_salam() Prefix;
    reply_om() Prefix;
    reply_shalom() Prefix;
    sorry_wait() Prefix;
    back() Prefix;
    verified() Prefix;
    photo_first() Prefix;
    voice_first() Prefix;
    dose_absent(n: Count) Prefix;
    officer() Prefix;
    erase_kept() Prefix;
    change_late() Prefix;
    got_phone() Prefix;
    got_nik() Prefix;
    got_code() Prefix;
    greeting(ending: Ending) Body;
    greeting_typed() Body;
    greeting_footer() Footer;
    consent_again(ending: Ending) Body;
    consent_again_typed() Body;
    consent_no() Body;
    expired(ending: Ending) Body;
    gone() Body;
    gone_typed() Body;
    bye() Body;
    not_registered() Body;
    ask_phone() Body;
    never_registered() Body;
    phone_bad() Body;
    phone_landline() Body;
    otp_sent(ending: Ending) Body;
    otp_maybe(ending: Ending) Body;
    otp_resent(ending: Ending) Body;
    otp_resent_maybe(ending: Ending) Body;
    otp_wrong(n: Count) Body;
    otp_expired() Body;
    otp_delivered(ending: Ending) Body;
    otp_wait(n: Count) Body;
    otp_wait_used(n: Count) Body;
    otp_wait_long(n: Count, wib: Clock, wita: Clock, wit: Clock) Body;
    messages_fence() Body;
    sessions_fence(n: Count, wib: Clock, wita: Clock, wit: Clock) Body;
    otp_help() Body;
    locked(n: Count, wib: Clock, wita: Clock, wit: Clock) Body;
    step_up() Body;
    step_up_wrong(n: Count) Body;
    menu() Body;
    menu_footer() Footer;
    ask_person() Body;
    ask_person_download() Body;
    ask_person_status() Body;
    ask_person_change() Body;
    ask_nik() Body;
    ask_name() Body;
    nik_len(n: Count) Body;
    nik_form() Body;
    miss(ending: Ending, n: Count) Body;
    ask_family() Body;
    family_result(n: Count, lines: PeopleLines) Body;
    family_result_misses(n: Count, lines: PeopleLines, left: Count) Body;
    family_too_many(n: Count) Body;
    family_sent(name: Word, dose: Count) Part;
    family_doses(name: Word, dose: Count) Part;
    family_miss(name: Word) Part;
    family_none(name: Word) Part;
    family_pending(name: Word) Part;
    family_nik_len(name: Word, n: Count) Part;
    family_nik_form(name: Word) Part;
    family_unread(n: Count) Part;
    pick_dose(n: Count, lines: DoseLines) Body;
    pick_dose_one(n: Count, lines: DoseLines) Body;
    dose_line(dose: Count, date: Date) Part;
    caption_short(dose: Count, name: Word) Caption;
    caption(dose: Count, name: Word) Caption;
    file_name(dose: Count) Part;
    not_recorded(name: Word) Body;
    not_issued(date: Date) Body;
    watch_yes() Body;
    watch_done() Body;
    status(name: Word, lines: StatusLines) Body;
    status_pending(name: Word, lines: StatusLines) Body;
    status_dose(dose: Count, date: Date, vaccine: Vaccine) Part;
    status_none(dose: Count) Part;
    status_issued(dose: Count, date: Date) Part;
    status_waiting(dose: Count, date: Date) Part;
    fresh_otp(ending: Ending) Body;
    pick_change() Body;
    ask_new_name() Body;
    name_bad() Body;
    confirm_name(name: WholeName) Body;
    name_done() Body;
    name_ticket(ticket: TicketNumber, day: Day, clock: Clock) Body;
    ask_new_phone(name: Word) Body;
    phone_same() Body;
    phone_full() Body;
    phone_done(name: Word, ending: Ending) Body;
    changes_shut(day: Day, clock: Clock) Body;
    change_weak() Body;
    undo_ask() Body;
    undone(ticket: TicketNumber, day: Day, clock: Clock) Body;
    undone_name(ticket: TicketNumber, day: Day, clock: Clock) Body;
    undo_unknown(n: Count) Body;
    undo_stopped() Body;
    ticket_kind() Body;
    ticket_where() Body;
    ticket_what() Body;
    ticket_filed(ticket: TicketNumber, day: Day, clock: Clock) Body;
    lost_ask() Body;
    lost_more(want: Want) Body;
    lost_phone() Body;
    lost_same() Body;
    lost_code(ending: Ending) Body;
    lost_filed(ticket: TicketNumber, day: Day, clock: Clock) Body;
    ticket_none() Body;
    ticket_unknown() Body;
    ticket_waits(ticket: TicketNumber, day: Day, clock: Clock) Body;
    ticket_in_work(ticket: TicketNumber, since_day: Day, since_clock: Clock, day: Day, clock: Clock) Body;
    ticket_asks(ticket: TicketNumber, since_day: Day, since_clock: Clock, words: Words) Body;
    ticket_answered(ticket: TicketNumber, since_day: Day, since_clock: Clock, words: Words) Body;
    ticket_closed(ticket: TicketNumber, since_day: Day, since_clock: Clock) Body;
    ticket_reopened_at(ticket: TicketNumber, since_day: Day, since_clock: Clock, day: Day, clock: Clock) Body;
    ticket_others(tickets: OtherTickets) Body;
    ask_words(ticket: TicketNumber) Body;
    words_added(ticket: TicketNumber) Body;
    reopened(ticket: TicketNumber) Body;
    ticket_done(ticket: TicketNumber, words: Words) Body;
    ticket_question(ticket: TicketNumber, words: Words) Body;
    ticket_news(ticket: TicketNumber) Body;
    help() Body;
    not_understood(want: Want) Body;
    please_write(want: Want) Body;
    need_now(want: Want) Body;
    voice(want: Want) Body;
    photo(want: Want) Body;
    unreadable(want: Want) Body;
    still_trying() Body;
    registry_down() Body;
    service_down() Body;
    gave_up() Body;
    erase_ask() Body;
    erased() Body;
    busy(place: Count, n: Count) Body;
    room_full(n: Count) Body;
    trouble() Body;
    want_consent() Part;
    want_phone() Part;
    want_code() Part;
    want_month() Part;
    want_menu() Part;
    want_person() Part;
    want_nik() Part;
    want_name() Part;
    want_dose() Part;
    want_change() Part;
    want_new_name() Part;
    want_new_phone() Part;
    want_kind() Part;
    want_detail() Part;
    want_lost() Part;
    want_old_phone() Part;
    you() Part;
    want_choice() Part;
    b_agree_this() Button;
    b_agree_other() Button;
    b_disagree() Button;
    b_no_code() Button;
    b_change_number() Button;
    b_resend() Button;
    b_old_number_lost() Button;
    b_never_registered() Button;
    b_send_code() Button;
    b_other_number() Button;
    b_download() Button;
    b_status() Button;
    b_change() Button;
    b_retry() Button;
    b_data_wrong() Button;
    b_menu() Button;
    b_finish() Button;
    b_dose(dose: Count) Button;
    b_family() Button;
    b_send_report() Button;
    b_watch_yes() Button;
    b_cancel() Button;
    b_name_right() Button;
    b_name_again() Button;
    b_pick_name() Button;
    b_pick_phone() Button;
    b_pick_other() Button;
    b_erase_yes() Button;
    b_erase() Button;
    b_add_words() Button;
    b_not_done() Button;
    b_reports() Button;
    open_kinds() Button;
    open_topics() Button;
    open_doses() Button;
    kind_certificate_missing() Row;
    kind_nik_used() Row;
    kind_nik_wrong() Row;
    kind_birth_date() Row;
    kind_dose() Row;
    kind_others() Row;
    kind_old_number() Row;
    kind_abroad() Row;
    kind_no_nik() Row;
    kind_other() Row;
    sms_otp(code: Otp, ending: Ending) Sms;
    sms_otp_plain(code: Otp) Sms;
    sms_name_changed(service: Service, undo: UndoCode) Sms;
    sms_phone_moved(initial: Initial, ending: Ending, service: Service, undo: UndoCode) Sms;
}
