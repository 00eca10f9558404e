//! How often a name may be guessed for one NIK of this phone, whatever chat guesses.
//!
//! A NIK opens only on the phone it stands under, so its budget is the account's: wrong names typed elsewhere
//! are compared with nothing, and cost the person here nothing. The phone's own WhatsApp is not stopped by what
//! others guessed. Spent, a right name is a miss like any other: nothing tells that it was not compared.

use sha2::{Digest, Sha256};

use super::job::Ask;
use super::run::Run;
use super::state::NikMisses;
use crate::domain::call::Claim;
use crate::domain::citizen::Person;
use crate::domain::nik::Nik;
use crate::domain::time::{DAY_MS, Timestamp};

/// People on a phone, and a few that were moved away: more NIKs are never counted at once.
const NIKS_MAX: usize = 8;

impl Run<'_, '_> {
    /// Whether a name is still compared for this NIK.
    pub(super) fn may_be_named(&self, ask: Ask, nik: Nik) -> bool {
        let (now, print) = (self.now(), print_of(nik));
        let misses = self.account.nik_misses.iter().find(|misses| misses.print == print);
        let today = misses.filter(|misses| is_today(misses, now)).map_or(0, |misses| misses.today);
        ask.asker.own_number || today < self.context.rules.nik_misses_per_day
    }

    /// Counts the claims that name a person of this phone by another name.
    pub(super) fn count_wrong_names(&mut self, claims: &[Claim], people: &[Person], hits: &[Person]) {
        let stands = |nik: Nik, among: &[Person]| among.iter().any(|person| person.nik == nik);
        for claim in claims.iter().filter(|claim| stands(claim.nik, people) && !stands(claim.nik, hits)) {
            self.account.count_nik_miss(print_of(claim.nik), self.context.now);
        }
    }
}

impl super::Account {
    fn count_nik_miss(&mut self, print: u64, now: Timestamp) {
        let misses = &mut self.nik_misses;
        misses.retain(|misses| is_today(misses, now));
        if let Some(known) = misses.iter_mut().find(|misses| misses.print == print) {
            known.today = known.today.saturating_add(1);
            return;
        }
        if misses.len() >= NIKS_MAX {
            misses.remove(0);
        }
        misses.push(NikMisses { print, today: 1, day_from: now });
    }
}

/// A clock that jumps back forgets nothing.
fn is_today(misses: &NikMisses, now: Timestamp) -> bool {
    now.since_ms(misses.day_from) < DAY_MS
}

/// Tells the NIKs of one phone apart; sealed in the record like all else.
fn print_of(nik: Nik) -> u64 {
    let hash: [u8; 32] = Sha256::digest(nik.number().to_le_bytes()).into();
    hash.first_chunk().copied().map(u64::from_be_bytes).unwrap_or_default()
}
