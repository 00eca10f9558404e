//! What a button or a list row stands for. Its id is `<session epoch>:<key>`, its title a text of its own.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::text::table;
use super::text::value::{Count, Phrase};
use crate::domain::ticket::TicketKind;

/// An epoch's digits, and the longest key.
const ID_BYTES: usize = 32;

/// A way on that a message offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Choice {
    AgreeThis,
    AgreeOther,
    Disagree,
    NoCode,
    ChangeNumber,
    Resend,
    OldNumberLost,
    NeverRegistered,
    SendCode,
    OtherNumber,
    Download,
    Status,
    Change,
    Retry,
    DataWrong,
    Menu,
    Finish,
    Family,
    SendReport,
    WatchYes,
    Cancel,
    NameRight,
    NameAgain,
    PickName,
    PickPhone,
    PickOther,
    EraseYes,
    Erase,
    AddWords,
    NotDone,
    Reports,
    Dose(u8),
    Kind(TicketKind),
}

use Choice as C;

type Title = fn() -> Phrase;

/// The choices that carry nothing, each with its key and its title.
const PLAIN: [(Choice, &str, Title); 31] = [
    (C::AgreeThis, "agree_this", table::b_agree_this),
    (C::AgreeOther, "agree_other", table::b_agree_other),
    (C::Disagree, "disagree", table::b_disagree),
    (C::NoCode, "no_code", table::b_no_code),
    (C::ChangeNumber, "change_number", table::b_change_number),
    (C::Resend, "resend", table::b_resend),
    (C::OldNumberLost, "old_number_lost", table::b_old_number_lost),
    (C::NeverRegistered, "never_registered", table::b_never_registered),
    (C::SendCode, "send_code", table::b_send_code),
    (C::OtherNumber, "other_number", table::b_other_number),
    (C::Download, "download", table::b_download),
    (C::Status, "status", table::b_status),
    (C::Change, "change", table::b_change),
    (C::Retry, "retry", table::b_retry),
    (C::DataWrong, "data_wrong", table::b_data_wrong),
    (C::Menu, "menu", table::b_menu),
    (C::Finish, "finish", table::b_finish),
    (C::Family, "family", table::b_family),
    (C::SendReport, "send_report", table::b_send_report),
    (C::WatchYes, "watch_yes", table::b_watch_yes),
    (C::Cancel, "cancel", table::b_cancel),
    (C::NameRight, "name_right", table::b_name_right),
    (C::NameAgain, "name_again", table::b_name_again),
    (C::PickName, "pick_name", table::b_pick_name),
    (C::PickPhone, "pick_phone", table::b_pick_phone),
    (C::PickOther, "pick_other", table::b_pick_other),
    (C::EraseYes, "erase_yes", table::b_erase_yes),
    (C::Erase, "erase", table::b_erase),
    (C::AddWords, "add_words", table::b_add_words),
    (C::NotDone, "not_done", table::b_not_done),
    (C::Reports, "reports", table::b_reports),
];

/// The ten rows of the list of problems, in its order.
const KINDS: [(TicketKind, Title); 10] = [
    (TicketKind::CertificateMissing, table::kind_certificate_missing),
    (TicketKind::NikUsedByOther, table::kind_nik_used),
    (TicketKind::NikMisrecorded, table::kind_nik_wrong),
    (TicketKind::BirthDateWrong, table::kind_birth_date),
    (TicketKind::DoseOrVaccineWrong, table::kind_dose),
    (TicketKind::OthersCertificate, table::kind_others),
    (TicketKind::OldNumberLost, table::kind_old_number),
    (TicketKind::VaccinatedAbroad, table::kind_abroad),
    (TicketKind::NoNik, table::kind_no_nik),
    (TicketKind::Other, table::kind_other),
];

impl Choice {
    /// The rows of the list of problems.
    pub(super) fn kinds() -> Vec<Choice> {
        KINDS.iter().map(|(kind, _)| C::Kind(*kind)).collect()
    }

    /// What stands on the button.
    pub(super) fn title(self) -> Phrase {
        if let C::Dose(dose) = self {
            table::b_dose(Count(u32::from(dose)))
        } else if let C::Kind(kind) = self {
            KINDS.iter().find(|row| row.0 == kind).map_or_else(table::kind_other, |row| row.1())
        } else {
            PLAIN.iter().find(|row| row.0 == self).map_or_else(table::b_menu, |row| row.2())
        }
    }

    /// The button's id in a session.
    pub(super) fn id(self, epoch: u32) -> String {
        // There are ten of them in a list, and it is written at once.
        let mut id = String::with_capacity(ID_BYTES);
        let _ = if let C::Dose(dose) = self {
            write!(id, "{epoch}:dose_{dose}")
        } else if let C::Kind(kind) = self {
            let row = KINDS.iter().position(|row| row.0 == kind).unwrap_or_default();
            write!(id, "{epoch}:kind_{row}")
        } else {
            let key = PLAIN.iter().find(|row| row.0 == self).map_or("menu", |row| row.1);
            write!(id, "{epoch}:{key}")
        };
        id
    }

    /// The session epoch and choice of an id of ours.
    pub(super) fn from_id(id: &str) -> Option<(u32, Choice)> {
        let (epoch, key) = id.split_once(':')?;
        let choice = if let Some(dose) = key.strip_prefix("dose_") {
            C::Dose(dose.parse().ok()?)
        } else if let Some(row) = key.strip_prefix("kind_") {
            C::Kind(KINDS.get(row.parse::<usize>().ok()?)?.0)
        } else {
            PLAIN.iter().find(|row| row.1 == key)?.0
        };
        Some((epoch.parse().ok()?, choice))
    }

    /// What a plain yes means where this is offered.
    pub(super) fn is_yes(self) -> bool {
        matches!(self, C::AgreeThis | C::SendCode | C::WatchYes | C::NameRight | C::EraseYes)
    }

    /// What a plain no means where this is offered.
    pub(super) fn is_no(self) -> bool {
        matches!(self, C::Disagree | C::NameAgain | C::Cancel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_read_back_from_its_id() {
        let plain = PLAIN.iter().map(|row| row.0);
        for choice in plain.chain(Choice::kinds()).chain((0..=9).map(C::Dose)) {
            assert_eq!(Choice::from_id(&choice.id(7)), Some((7, choice)));
        }
        for bad in ["", ":", "7", "x:menu", "7:", "7:kind_10", "7:dose_x", "7:dose_300", "-1:menu", "7:menu "] {
            assert_eq!(Choice::from_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn titles_differ_where_they_stand_together() {
        let mut names: Vec<_> = PLAIN.iter().map(|row| format!("{:?}", row.2())).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PLAIN.len());
    }
}
