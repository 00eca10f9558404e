//! An account as older servers wrote it, and how that becomes today's.
//!
//! Version 1 knew no weak logins: every code had gone by SMS. Version 2 did not listen to what became of one.

use serde::{Deserialize, Serialize};

use super::{Account, Challenge, Change, Chat, ChatLogin, Heard, Last, Lock, Misses, NikMisses, Proof};
use crate::domain::call::CallId;
use crate::domain::contact::ContactId;
use crate::domain::otp::OtpPurpose;
use crate::domain::time::Timestamp;

/// An account in version 1.
pub type AccountV1 = Old<LoginV1, ChallengeV1>;
/// An account in version 2.
pub type AccountV2 = Old<LoginV2, ChallengeV2>;

/// Since when, and the tries of a step-up.
type LoginV1 = (Timestamp, Option<u8>);
type LoginV2 = (Timestamp, Option<u8>, bool);
type ChallengeV1 = (OtpPurpose, [u8; 16], Timestamp, u8);
type ChallengeV2 = (OtpPurpose, [u8; 16], Timestamp, u8, bool);

/// An account whose logins and codes were kept so.
#[derive(Serialize, Deserialize)]
pub struct Old<L, C> {
    epoch: u32,
    used_at: Timestamp,
    proof: Option<Proof>,
    changes_shut_until: Option<Timestamp>,
    phone_shut_until: Option<Timestamp>,
    chats: Vec<OldChat<L, C>>,
    changes: Vec<Change>,
    stranger_sends: Vec<Timestamp>,
    nik_misses: Vec<NikMisses>,
}

#[derive(Serialize, Deserialize)]
struct OldChat<L, C> {
    contact: ContactId,
    used_at: Timestamp,
    belongs: bool,
    login: Option<L>,
    challenges: Vec<C>,
    sends: Vec<Timestamp>,
    fresh_sends: Vec<Timestamp>,
    lock: Option<Lock>,
    misses: Misses,
    last: Option<Last>,
}

impl<L, C> From<Old<L, C>> for Account
where
    ChatLogin: From<L>,
    Challenge: From<C>,
{
    fn from(old: Old<L, C>) -> Self {
        let Old { epoch, used_at, proof, changes_shut_until, phone_shut_until, .. } = old;
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

impl<L, C> From<OldChat<L, C>> for Chat
where
    ChatLogin: From<L>,
    Challenge: From<C>,
{
    fn from(old: OldChat<L, C>) -> Self {
        Self {
            contact: old.contact,
            used_at: old.used_at,
            belongs: old.belongs,
            login: old.login.map(ChatLogin::from),
            challenges: old.challenges.into_iter().map(Challenge::from).collect(),
            sends: old.sends,
            fresh_sends: old.fresh_sends,
            lock: old.lock,
            misses: old.misses,
            last: old.last,
        }
    }
}

impl From<LoginV1> for ChatLogin {
    fn from((since, step_up): LoginV1) -> Self {
        Self::from((since, step_up, false))
    }
}

impl From<LoginV2> for ChatLogin {
    fn from((since, step_up, weak): LoginV2) -> Self {
        Self { since, step_up, weak }
    }
}

impl From<ChallengeV1> for Challenge {
    fn from((purpose, id, sent_at, tries): ChallengeV1) -> Self {
        Self::from((purpose, id, sent_at, tries, false))
    }
}

impl From<ChallengeV2> for Challenge {
    fn from((purpose, id, sent_at, tries, weak): ChallengeV2) -> Self {
        Self { purpose, id, sent_at, tries, weak, call: CallId::default(), heard: Heard::Hidden { abroad: false } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    /// Today's account as an older version would have written it.
    fn downgraded<L, C>(account: &Account, login: fn(ChatLogin) -> L, challenge: fn(Challenge) -> C) -> Old<L, C> {
        let account = account.clone();
        let chats = account.chats.into_iter().map(|chat| OldChat {
            contact: chat.contact,
            used_at: chat.used_at,
            belongs: chat.belongs,
            login: chat.login.map(login),
            challenges: chat.challenges.into_iter().map(challenge).collect(),
            sends: chat.sends,
            fresh_sends: chat.fresh_sends,
            lock: chat.lock,
            misses: chat.misses,
            last: chat.last,
        });
        Old {
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

    fn account(weak: bool) -> Account {
        let at = Timestamp(1_795_400_000_000);
        let mut chat = Chat::new(ContactId(7), true, at);
        chat.login = Some(ChatLogin { since: at, step_up: Some(2), weak });
        chat.challenges = vec![Challenge::from((OtpPurpose::Login, [9; 16], at, 3, weak))];
        (chat.sends, chat.fresh_sends) = (vec![at], vec![at.plus_ms(1)]);
        chat.lock = Some(Lock { until: at, count: 2 });
        chat.misses = Misses { open: 1, today: 2, day_from: at };
        Account {
            epoch: 5,
            used_at: at,
            proof: Some(Proof { at, bsuid: None, suspect: None }),
            changes_shut_until: Some(at),
            phone_shut_until: Some(at.plus_ms(2)),
            chats: vec![chat],
            stranger_sends: vec![at],
            nik_misses: vec![NikMisses { print: 1, today: 2, day_from: at }],
            ..Account::default()
        }
    }

    #[test]
    fn an_account_of_version_1_is_todays_and_none_of_its_logins_is_weak() {
        let account = account(false);
        let old: AccountV1 = downgraded(
            &account,
            |login| (login.since, login.step_up),
            |old| (old.purpose, old.id, old.sent_at, old.tries),
        );
        let read: AccountV1 = codec::decode(1, &codec::encode(1, &old)).unwrap();
        assert_eq!(Account::from(read), account);
    }

    #[test]
    fn an_account_of_version_2_is_todays_and_hears_nothing_of_its_codes() {
        let account = account(true);
        let old: AccountV2 = downgraded(
            &account,
            |login| (login.since, login.step_up, login.weak),
            |old| (old.purpose, old.id, old.sent_at, old.tries, old.weak),
        );
        let read: AccountV2 = codec::decode(1, &codec::encode(1, &old)).unwrap();
        assert_eq!(Account::from(read), account);
        assert_eq!(account.chats[0].challenges[0].heard, Heard::Hidden { abroad: false });
    }
}
