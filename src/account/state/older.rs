//! An account as older servers wrote it, and how that becomes today's.
//!
//! Version 1 knew no weak logins: every code had gone by SMS.

use serde::{Deserialize, Serialize};

use super::{Account, Challenge, Change, Chat, ChatLogin, Last, Lock, Misses, NikMisses, Proof};
use crate::domain::contact::ContactId;
use crate::domain::otp::OtpPurpose;
use crate::domain::time::Timestamp;

/// An account in version 1.
#[derive(Serialize, Deserialize)]
pub struct AccountV1 {
    epoch: u32,
    used_at: Timestamp,
    proof: Option<Proof>,
    changes_shut_until: Option<Timestamp>,
    phone_shut_until: Option<Timestamp>,
    chats: Vec<ChatV1>,
    changes: Vec<Change>,
    stranger_sends: Vec<Timestamp>,
    nik_misses: Vec<NikMisses>,
}

#[derive(Serialize, Deserialize)]
struct ChatV1 {
    contact: ContactId,
    used_at: Timestamp,
    belongs: bool,
    login: Option<(Timestamp, Option<u8>)>,
    challenges: Vec<(OtpPurpose, [u8; 16], Timestamp, u8)>,
    sends: Vec<Timestamp>,
    fresh_sends: Vec<Timestamp>,
    lock: Option<Lock>,
    misses: Misses,
    last: Option<Last>,
}

impl From<AccountV1> for Account {
    fn from(old: AccountV1) -> Self {
        let AccountV1 { epoch, used_at, proof, changes_shut_until, phone_shut_until, .. } = old;
        Self {
            epoch,
            used_at,
            proof,
            changes_shut_until,
            phone_shut_until,
            chats: old.chats.into_iter().map(Chat::from).collect(),
            changes: old.changes,
            stranger_sends: old.stranger_sends,
            nik_misses: old.nik_misses,
            ..Self::default()
        }
    }
}

impl From<ChatV1> for Chat {
    fn from(old: ChatV1) -> Self {
        let challenge = |(purpose, id, sent_at, tries)| Challenge { purpose, id, sent_at, tries, weak: false };
        Self {
            contact: old.contact,
            used_at: old.used_at,
            belongs: old.belongs,
            login: old.login.map(|(since, step_up)| ChatLogin { since, step_up, weak: false }),
            challenges: old.challenges.into_iter().map(challenge).collect(),
            sends: old.sends,
            fresh_sends: old.fresh_sends,
            lock: old.lock,
            misses: old.misses,
            last: old.last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    /// Today's account as version 1 would have written it.
    fn downgraded(account: &Account) -> AccountV1 {
        let account = account.clone();
        let chats = account.chats.into_iter().map(|chat| ChatV1 {
            contact: chat.contact,
            used_at: chat.used_at,
            belongs: chat.belongs,
            login: chat.login.map(|login| (login.since, login.step_up)),
            challenges: chat.challenges.into_iter().map(|old| (old.purpose, old.id, old.sent_at, old.tries)).collect(),
            sends: chat.sends,
            fresh_sends: chat.fresh_sends,
            lock: chat.lock,
            misses: chat.misses,
            last: chat.last,
        });
        AccountV1 {
            epoch: account.epoch,
            used_at: account.used_at,
            proof: account.proof,
            changes_shut_until: account.changes_shut_until,
            phone_shut_until: account.phone_shut_until,
            chats: chats.collect(),
            changes: account.changes,
            stranger_sends: account.stranger_sends,
            nik_misses: account.nik_misses,
        }
    }

    #[test]
    fn an_account_of_version_1_is_todays_and_none_of_its_logins_is_weak() {
        let at = Timestamp(1_795_400_000_000);
        let mut chat = Chat::new(ContactId(7), true, at);
        chat.login = Some(ChatLogin { since: at, step_up: Some(2), weak: false });
        chat.challenges =
            vec![Challenge { purpose: OtpPurpose::Login, id: [9; 16], sent_at: at, tries: 3, weak: false }];
        (chat.sends, chat.fresh_sends) = (vec![at], vec![at.plus_ms(1)]);
        chat.lock = Some(Lock { until: at, count: 2 });
        chat.misses = Misses { open: 1, today: 2, day_from: at };
        let account = Account {
            epoch: 5,
            used_at: at,
            proof: Some(Proof { at, bsuid: None, suspect: None }),
            changes_shut_until: Some(at),
            phone_shut_until: Some(at.plus_ms(2)),
            chats: vec![chat],
            stranger_sends: vec![at],
            nik_misses: vec![NikMisses { print: 1, today: 2, day_from: at }],
            ..Account::default()
        };
        let bytes = codec::encode(1, &downgraded(&account));
        let read: AccountV1 = codec::decode(1, &bytes).unwrap();
        assert_eq!(Account::from(read), account);
    }
}
