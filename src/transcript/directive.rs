//! Directives: what a transcript says to whoever runs it. Each reads and writes itself.

mod citizen;
mod gateway;
mod who;

use time::{Date, Month, Time};

use crate::domain::contact::Identity;
use crate::domain::otp::{Otp, UndoCode};
use crate::domain::phone::{Mobile, Phone};
use crate::domain::ticket::TicketNumber;
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp, Zone};

pub use citizen::{Citizen, DoseGiven};
pub use gateway::Gateway;

use citizen::citizen;

/// A directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directive {
    /// `wa 0812-0000-0042 [bsuid=ID.abc]`, `wa no-phone bsuid=ID.abc`, `wa 0812-0000-0042 no-bsuid` (as it was
    /// before 2026): who writes from here on.
    Wa(Identity),
    /// `meta user_id_update bsuid=ID.a to 0812-0000-0043 bsuid=ID.b`: Meta tells that somebody's identifiers changed.
    Meta { way: MetaTells, before: Identity, after: Identity },
    /// `clock 2026-11-23 13.50 WIB`: the clock moves on to then.
    Clock(Timestamp),
    /// `wait 16m` (s, m, h, d), in milliseconds: the clock moves on by that.
    Wait(i64),
    /// `late 11m`: the next turn was so long on its way, in milliseconds.
    Late(i64),
    /// `citizen phone=… nik=… name="…" doses=…`: somebody stands in the registry.
    Citizen(Box<Citizen>),
    /// `otp 483920`: the next code that is made.
    Otp(Otp),
    /// `number 4821-0937`: the number of the next report.
    Number(TicketNumber),
    /// `undo 8841-0276`: the next undo code that is made.
    Undo(UndoCode),
    /// `registry down` or `up`.
    Registry { up: bool },
    /// `sms up`, `down` or `undelivered`.
    Sms(Gateway),
    /// `sms none`: no SMS was sent in this exchange.
    NoSms,
    /// `ticket 4821-2255 in-work 2026-11-24 08.10 WIB`, `answered "words"`, `ask "words"`, `closed`.
    Ticket { number: TicketNumber, news: TicketNews },
}

/// Meta's ways of telling that identifiers changed (cloud-api.md 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetaTells {
    /// The field of its own.
    UserIdUpdate,
    /// System messages.
    UserChangedUserId,
    UserChangedNumber,
}

/// What the desk did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketNews {
    InWork { since: Timestamp },
    Answered(String),
    Closed,
    Ask(String),
}

/// What is wrong with a directive, and what is allowed.
pub(super) type Fault = (String, &'static str);

const WORDS: &str =
    "wa, clock, wait, late, meta, citizen, otp, number, undo, registry, sms, ticket, or `> ` and a text";
const MOMENT: &str = "a moment like `2026-11-23 13.50 WIB` (WITA, WIT, seconds as `13.50.25`)";
const WA: &str = "`wa 0812-0000-0042 [bsuid=ID.abc]`, `wa no-phone bsuid=ID.abc` or `wa 0812-0000-0042 no-bsuid`";
const META: &str = "`meta user_id_update bsuid=ID.a to [0812-0000-0043] bsuid=ID.b`, \
     `meta user_changed_user_id [0812-0000-0042] [bsuid=ID.a] to [0812-0000-0043] bsuid=ID.b` or \
     `meta user_changed_number 0812-0000-0042 [bsuid=ID.a] to 0812-0000-0043 [bsuid=ID.b]`";
impl Directive {
    /// Reads what stands behind `# @`.
    pub(super) fn read(text: &str) -> Result<Self, Fault> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.trim();
        let fault = |allowed| (format!("`{rest}` does not go with `{word}`"), allowed);
        match word {
            "wa" => who::wa(rest).map(Self::Wa).ok_or_else(|| fault(WA)),
            "meta" => who::meta(rest).ok_or_else(|| fault(META)),
            "clock" => moment(rest).map(Self::Clock).ok_or_else(|| fault(MOMENT)),
            "wait" => span_ms(rest).map(Self::Wait).ok_or_else(|| fault("a time like `16m` (s, m, h, d)")),
            "late" => span_ms(rest).map(Self::Late).ok_or_else(|| fault("a time like `11m` (s, m, h, d)")),
            "citizen" => citizen(rest),
            "otp" => six_digits(rest).map(Self::Otp).ok_or_else(|| fault("six digits")),
            "number" => grouped(rest).and_then(TicketNumber::new).map(Self::Number).ok_or_else(|| fault("`4821-0937`")),
            "undo" => undo_code(rest).map(Self::Undo).ok_or_else(|| fault("`8841-0276`")),
            "registry" => up_or_down(rest).map(|up| Self::Registry { up }).ok_or_else(|| fault("`up` or `down`")),
            "sms" if rest == "none" => Ok(Self::NoSms),
            "sms" => Gateway::ALL
                .into_iter()
                .find(|gateway| gateway.name() == rest)
                .map(Self::Sms)
                .ok_or_else(|| fault("`up`, `down`, `undelivered` or `none`")),
            "ticket" => ticket(rest).ok_or_else(|| {
                fault("`ticket 4821-2255 in-work 2026-11-24 08.10 WIB`, `… answered \"words\"`, `… ask \"words\"` or `… closed`")
            }),
            _ => Err((format!("there is no directive `{word}`"), WORDS)),
        }
    }
}

/// `0812-0000-0042`, `+60 12 …` without spaces, dashes free.
pub(super) fn phone_number(text: &str) -> Option<Phone> {
    let digits = text.replace('-', "");
    match digits.strip_prefix('0') {
        Some(national) => Phone::from_wa_id(&format!("62{national}")),
        None => Phone::from_wa_id(&digits),
    }
}

pub(super) fn mobile(text: &str) -> Option<Mobile> {
    phone_number(text).and_then(Mobile::from_phone)
}

fn moment(text: &str) -> Option<Timestamp> {
    let mut words = text.split_whitespace();
    let (date, clock, zone) = (date(words.next()?)?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let hours_east = match zone {
        "WIB" => 7,
        "WITA" => 8,
        "WIT" => 9,
        _ => return None,
    };
    let mut parts = clock.split('.').map(|part| part.parse::<u8>().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    if parts.next().is_some() {
        return None;
    }
    let there = date.with_time(Time::from_hms(hour, minute, second).ok()?).assume_utc();
    Some(Timestamp::from_unix_s(there.unix_timestamp()).plus_ms(-hours_east * HOUR_MS))
}

/// As `clock` takes it, in WIB.
pub(super) fn written_moment(at: Timestamp) -> String {
    let there = at.at(Zone::Wib);
    let (date, hour, minute, second) = (there.date(), there.hour(), there.minute(), there.second());
    if second == 0 {
        format!("{date} {hour:02}.{minute:02} WIB")
    } else {
        format!("{date} {hour:02}.{minute:02}.{second:02} WIB")
    }
}

const SPANS: [(char, i64); 4] = [('d', DAY_MS), ('h', HOUR_MS), ('m', MINUTE_MS), ('s', SECOND_MS)];

fn span_ms(text: &str) -> Option<i64> {
    let (unit, ms) = SPANS.into_iter().find(|(unit, _)| text.ends_with(*unit))?;
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    i64::from(count).checked_mul(ms)
}

pub(super) fn written_span(ms: i64) -> String {
    let (unit, length) = SPANS.into_iter().find(|(_, length)| ms % length == 0).unwrap_or(('s', SECOND_MS));
    format!("{}{unit}", ms / length)
}

fn date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next()?.parse().ok()?;
    let month = Month::try_from(parts.next()?.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year, month, parts.next()?.parse().ok()?).ok()
}

fn six_digits(text: &str) -> Option<Otp> {
    let whole = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole { text.parse().ok().and_then(Otp::new) } else { None }
}

fn grouped(text: &str) -> Option<u32> {
    let (left, right) = text.split_once('-')?;
    let four = |group: &str| group.len() == 4 && group.bytes().all(|byte| byte.is_ascii_digit());
    if four(left) && four(right) { format!("{left}{right}").parse().ok() } else { None }
}

pub(super) fn undo_code(text: &str) -> Option<UndoCode> {
    grouped(text).and_then(UndoCode::new)
}

fn up_or_down(text: &str) -> Option<bool> {
    match text {
        "up" => Some(true),
        "down" => Some(false),
        _ => None,
    }
}

fn ticket(text: &str) -> Option<Directive> {
    let (number, rest) = text.split_once(' ')?;
    let number = grouped(number).and_then(TicketNumber::new)?;
    let (what, rest) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    let quoted = || rest.trim().strip_prefix('"')?.strip_suffix('"').map(str::to_owned);
    let news = match what {
        "in-work" => TicketNews::InWork { since: moment(rest)? },
        "answered" => TicketNews::Answered(quoted()?),
        "closed" if rest.is_empty() => TicketNews::Closed,
        "ask" => TicketNews::Ask(quoted()?),
        _ => return None,
    };
    Some(Directive::Ticket { number, news })
}

/// `key=value` and `key="a value"`, in any order.
fn fields(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut fields = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(' ').unwrap_or((after, "")),
        };
        fields.push((key, value));
        rest = after.trim_start();
    }
    Some(fields)
}
