//! The webhook fields other than `messages` (cloud-api.md 2.3): what may change our limits or needs an operator.
//!
//! Every value of Meta's is read into a closed set, so that each may be a metric's label; the names of our own
//! templates are the only free text. None of these names a citizen.

use serde_json_borrow::Value;

use super::read::{field, id, list, text};
use super::{Ignored, Part};

/// News of our numbers, templates and account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountEvent {
    /// `phone_number_quality_update`. Meta names the number by its digits only, not by its id.
    NumberQuality { display_number: Option<String>, change: QualityChange },
    /// `account_update`. Names a number only where it is about one.
    Account { change: AccountChange, display_number: Option<String> },
    /// `account_alerts`.
    Alert(AlertSeverity),
    /// `message_template_status_update`.
    Template { name: Option<String>, state: TemplateState },
    /// `template_category_update`: another category has another price and other rules.
    TemplateCategory { name: Option<String>, category: TemplateCategory },
    /// `business_capability_update`: unique users a day outside the service window; `None` is unlimited.
    Capability { users_per_day: Option<u64> },
    /// `security`: the two-step code of a number.
    Security(SecurityChange),
}

/// What happened to a number's quality or throughput.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QualityChange {
    /// From 80 to 1,000 messages a second.
    ThroughputUpgrade,
    Onboarding,
    Flagged,
    Unflagged,
    LimitRaised,
    LimitLowered,
    Other,
}

/// What happened to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountChange {
    /// Banned: nothing can be sent.
    Disabled,
    /// To be banned at a date that Meta names.
    DisablingScheduled,
    Reinstated,
    Violation,
    Restricted,
    /// Only what we send unasked is refused.
    RestrictedOutsideWindow,
    Deleted,
    Offboarded,
    Reconnected,
    /// Verified, a partner, a pricing tier, an advertising account: nothing to do.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertSeverity {
    Critical,
    Warning,
    Information,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TemplateState {
    Approved,
    Rejected,
    Flagged,
    Paused,
    Disabled,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TemplateCategory {
    Authentication,
    Utility,
    Marketing,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecurityChange {
    PinChanged,
    PinResetRequested,
    PinReset,
    Other,
}

impl AccountEvent {
    /// A closed name of the webhook field, for a metric's label.
    pub fn name(&self) -> &'static str {
        match self {
            AccountEvent::NumberQuality { .. } => "account_number_quality",
            AccountEvent::Account { .. } => "account_update",
            AccountEvent::Alert(_) => "account_alert",
            AccountEvent::Template { .. } => "account_template_status",
            AccountEvent::TemplateCategory { .. } => "account_template_category",
            AccountEvent::Capability { .. } => "account_capability",
            AccountEvent::Security(_) => "account_security",
        }
    }
}

/// Reads a change of any field but `messages` and `user_id_update`.
pub(super) fn other_field(name: &str, value: &Value) -> Part {
    let event = match name {
        "phone_number_quality_update" => AccountEvent::NumberQuality {
            display_number: id(value, "display_phone_number").map(|number| digits(&number)),
            change: quality(text(value, "event")),
        },
        "account_update" => AccountEvent::Account {
            change: account(value),
            display_number: id(value, "phone_number").map(|number| digits(&number)),
        },
        "account_alerts" => AccountEvent::Alert(severity(value)),
        "message_template_status_update" => {
            AccountEvent::Template { name: template_name(value), state: template_state(text(value, "event")) }
        }
        "template_category_update" => AccountEvent::TemplateCategory {
            name: template_name(value),
            // A change to come names both; the one to be is what an operator must know.
            category: category(text(value, "correct_category").or_else(|| text(value, "new_category"))),
        },
        "business_capability_update" => AccountEvent::Capability { users_per_day: users_per_day(value) },
        "security" => AccountEvent::Security(security(text(value, "event"))),
        other => return Part::Ignored(ignored(other)),
    };
    Part::Account(event)
}

fn ignored(field: &str) -> Ignored {
    match field {
        "smb_message_echoes" => Ignored::Echo,
        "history" => Ignored::History,
        "calls" => Ignored::Call,
        name if name.starts_with("group_") => Ignored::Group,
        _ => Ignored::UnusedField,
    }
}

fn quality(event: Option<&str>) -> QualityChange {
    match event {
        Some("THROUGHPUT_UPGRADE") => QualityChange::ThroughputUpgrade,
        Some("ONBOARDING") => QualityChange::Onboarding,
        Some("FLAGGED") => QualityChange::Flagged,
        Some("UNFLAGGED") => QualityChange::Unflagged,
        Some("UPGRADE") => QualityChange::LimitRaised,
        Some("DOWNGRADE") => QualityChange::LimitLowered,
        Some(_) | None => QualityChange::Other,
    }
}

fn account(value: &Value) -> AccountChange {
    match text(value, "event") {
        Some("DISABLED_UPDATE") => match field(value, "ban_info").and_then(|ban| text(ban, "waba_ban_state")) {
            Some("SCHEDULE_FOR_DISABLE") => AccountChange::DisablingScheduled,
            Some("REINSTATE") => AccountChange::Reinstated,
            Some(_) | None => AccountChange::Disabled,
        },
        Some("ACCOUNT_VIOLATION") => AccountChange::Violation,
        Some("ACCOUNT_RESTRICTION") => {
            let kinds = list(value, "restriction_info").iter().map(|kind| text(kind, "restriction_type"));
            let unasked = |kind: Option<&str>| kind == Some("RESTRICTED_BIZ_INITIATED_MESSAGING");
            let mut kinds = kinds.peekable();
            let only_unasked = kinds.peek().is_some() && kinds.all(unasked);
            if only_unasked { AccountChange::RestrictedOutsideWindow } else { AccountChange::Restricted }
        }
        Some("ACCOUNT_DELETED") => AccountChange::Deleted,
        Some("ACCOUNT_OFFBOARDED") => AccountChange::Offboarded,
        Some("ACCOUNT_RECONNECTED") => AccountChange::Reconnected,
        Some(_) | None => AccountChange::Other,
    }
}

fn severity(value: &Value) -> AlertSeverity {
    let info = field(value, "alert_info").unwrap_or(value);
    match text(info, "alert_severity") {
        Some("CRITICAL") => AlertSeverity::Critical,
        Some("WARNING") => AlertSeverity::Warning,
        Some("INFORMATIONAL" | "INFO") => AlertSeverity::Information,
        Some(_) | None => AlertSeverity::Other,
    }
}

fn template_state(event: Option<&str>) -> TemplateState {
    match event {
        Some("APPROVED") => TemplateState::Approved,
        Some("REJECTED") => TemplateState::Rejected,
        Some("FLAGGED") => TemplateState::Flagged,
        Some("PAUSED") => TemplateState::Paused,
        Some("DISABLED") => TemplateState::Disabled,
        Some(_) | None => TemplateState::Other,
    }
}

fn category(name: Option<&str>) -> TemplateCategory {
    match name {
        Some("AUTHENTICATION") => TemplateCategory::Authentication,
        Some("UTILITY") => TemplateCategory::Utility,
        Some("MARKETING") => TemplateCategory::Marketing,
        Some(_) | None => TemplateCategory::Other,
    }
}

fn security(event: Option<&str>) -> SecurityChange {
    match event {
        Some("PIN_CHANGED") => SecurityChange::PinChanged,
        Some("PIN_RESET_REQUEST") => SecurityChange::PinResetRequested,
        Some("PIN_RESET_SUCCESS") => SecurityChange::PinReset,
        Some(_) | None => SecurityChange::Other,
    }
}

/// The bound has had three names; -1 and `UNLIMITED` are no bound.
fn users_per_day(value: &Value) -> Option<u64> {
    const NAMES: [&str; 3] = [
        "max_daily_conversations_per_business",
        "max_daily_conversation_per_phone",
        "max_daily_conversations_per_phone",
    ];
    NAMES.iter().find_map(|name| id(value, name)).and_then(|bound| bound.parse().ok())
}

fn template_name(value: &Value) -> Option<String> {
    text(value, "message_template_name").map(|name| name.chars().take(512).collect())
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}
