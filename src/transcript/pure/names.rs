//! Who is who in a transcript: what phones and BSUIDs mean (cloud-api.md 3.2), in the words of one list.
//!
//! Written apart from the server's switchboard on purpose: each transcript of a changed identity is run against
//! both, so where the two differ one of its runs fails.

use super::world::{Chat, Task, World};
use crate::conversation::{Event, Legacy, Notice};
use crate::domain::contact::{Bsuid, ContactId, Identity};
use crate::domain::phone::Phone;

/// A phone or a BSUID.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Phone(Phone),
    Bsuid(Bsuid),
}

/// Whose a name is: the place of a chat, the first met the lowest.
#[derive(Clone, Debug)]
struct Alias {
    name: Name,
    chat: usize,
    /// The other name it was last seen with.
    with: Option<Name>,
}

/// All names that lead to a chat.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<Alias>);

/// What has to be told when names moved.
#[derive(Debug, Default)]
struct News {
    told: Vec<usize>,
    /// Who stays, and who turned out to be him.
    merged: Vec<(usize, usize)>,
}

/// Phone and BSUID, as far as they show.
fn names_of(identity: &Identity) -> (Option<Name>, Option<Name>) {
    (identity.phone.map(Name::Phone), identity.bsuid.clone().map(Name::Bsuid))
}

impl Names {
    fn find(&self, name: Option<&Name>) -> Option<Alias> {
        self.0.iter().find(|alias| Some(&alias.name) == name).cloned()
    }

    fn bind(&mut self, name: Option<Name>, chat: usize, with: Option<Name>) {
        let Some(name) = name else { return };
        let known = self.find(Some(&name)).filter(|alias| alias.chat == chat).and_then(|alias| alias.with);
        self.0.retain(|alias| alias.name != name);
        self.0.push(Alias { name, chat, with: with.or(known) });
    }

    fn leave(&mut self, name: Option<&Name>, chat: usize) {
        self.0.retain(|alias| Some(&alias.name) != name || alias.chat != chat);
    }

    fn merge(&mut self, one: usize, other: usize, news: &mut News) -> usize {
        let (stays, goes) = (one.min(other), one.max(other));
        self.0.iter_mut().filter(|alias| alias.chat == goes).for_each(|alias| alias.chat = stays);
        news.merged.push((stays, goes));
        stays
    }

    /// A BSUID shows with another phone than before: that one it has left.
    fn moves(&mut self, bsuid: &Alias, phone: Option<&Name>, news: &mut News) {
        if phone.is_some() && bsuid.with.is_some() && bsuid.with.as_ref() != phone {
            news.told.push(bsuid.chat);
            self.leave(bsuid.with.as_ref(), bsuid.chat);
        }
    }

    /// Whose chat it is; `new`: the place of one that was not met before.
    fn name(&mut self, identity: &Identity, new: usize) -> (usize, News) {
        let mut news = News::default();
        let (phone, bsuid) = names_of(identity);
        let other = |seen: &Option<Name>, now: &Option<Name>| seen.is_some() && now.is_some() && seen != now;
        let chat = match (self.find(phone.as_ref()), self.find(bsuid.as_ref())) {
            (None, None) => new,
            (Some(by_phone), None) if other(&by_phone.with, &bsuid) => {
                news.told.push(by_phone.chat);
                new
            }
            (Some(by_phone), None) => by_phone.chat,
            (Some(by_phone), Some(by_bsuid)) if by_phone.chat != by_bsuid.chat => {
                if other(&by_phone.with, &bsuid) || other(&by_bsuid.with, &phone) {
                    news.told.push(by_phone.chat);
                    self.moves(&by_bsuid, phone.as_ref(), &mut news);
                    by_bsuid.chat
                } else {
                    self.merge(by_phone.chat, by_bsuid.chat, &mut news)
                }
            }
            (_, Some(by_bsuid)) => {
                self.moves(&by_bsuid, phone.as_ref(), &mut news);
                by_bsuid.chat
            }
        };
        self.bind(phone.clone(), chat, bsuid.clone());
        self.bind(bsuid, chat, phone);
        (chat, news)
    }

    /// Meta tells of a change. Whoever is not known is nobody's news.
    fn changed(&mut self, before: &Identity, after: &Identity) -> News {
        let mut news = News::default();
        let ((old_phone, old_bsuid), (phone, bsuid)) = (names_of(before), names_of(after));
        let by_bsuid = self.find(old_bsuid.as_ref());
        let Some(known) = by_bsuid.clone().or_else(|| self.find(old_phone.as_ref())) else { return news };
        let left = [old_phone, by_bsuid.as_ref().and_then(|alias| alias.with.clone())];
        let left: Vec<Name> = left.into_iter().flatten().filter(|left| Some(left) != phone.as_ref()).collect();
        let leads = |name: &Name| self.find(Some(name)).is_some_and(|alias| alias.chat == known.chat);
        if [&phone, &bsuid].into_iter().flatten().all(leads) && !left.iter().any(leads) {
            return news; // told once more
        }
        let mut chat = known.chat;
        let other = self.find(bsuid.as_ref()).filter(|other| other.chat != chat);
        // Told of a phone alone, and phones change hands: whoever has that BSUID stays who he is.
        let takes = other.is_none() || by_bsuid.is_some();
        if let Some(other) = other.filter(|_| takes) {
            chat = self.merge(chat, other.chat, &mut news);
        }
        if let Some(other) = self.find(phone.as_ref()).filter(|other| takes && other.chat != chat) {
            if other.with.is_none() || other.with == bsuid {
                chat = self.merge(chat, other.chat, &mut news);
            } else {
                news.told.push(other.chat);
            }
        }
        news.told.push(chat);
        for left in &left {
            self.leave(Some(left), chat);
        }
        if takes {
            self.bind(phone.clone(), chat, bsuid.clone());
            self.bind(bsuid, chat, phone);
            self.bind(old_bsuid.filter(|_| by_bsuid.is_some()), chat, None);
        }
        news
    }
}

impl World<'_> {
    /// The chat of whoever writes; what his names tell of others is told them first.
    pub(super) fn meet(&mut self, identity: &Identity) -> ContactId {
        let (place, news) = self.names.name(identity, self.chats.len());
        if place == self.chats.len() {
            self.chats.push(Chat::default());
        }
        self.tell(news);
        let known = &mut self.chats[place].identity;
        // A username hides the phone; what is known stays known.
        known.phone = identity.phone.or(known.phone);
        known.bsuid = identity.bsuid.clone().or(known.bsuid.take());
        ContactId(place as u64)
    }

    /// The chat that these names lead to; nothing is bound.
    pub(super) fn known(&self, identity: &Identity) -> Option<ContactId> {
        let (phone, bsuid) = names_of(identity);
        let alias = self.names.find(bsuid.as_ref()).or_else(|| self.names.find(phone.as_ref()));
        alias.map(|alias| ContactId(alias.chat as u64))
    }

    /// Meta tells that somebody's identifiers changed.
    pub(super) fn identity_changes(&mut self, before: &Identity, after: &Identity) {
        let news = self.names.changed(before, after);
        self.tell(news);
    }

    fn tell(&mut self, news: News) {
        let id = |place: usize| ContactId(place as u64);
        for (stays, goes) in news.merged {
            let former = std::mem::take(&mut self.chats[goes]);
            let strict = former.state.strict();
            let absorbed = Notice::Absorbed(Box::new(Legacy { seen: Vec::new(), strict }));
            self.chats[stays].formerly.push(id(goes));
            let notices = [Notice::Merged { from: id(goes) }, absorbed];
            self.tasks.push_back(Task::Turn(id(stays), notices.map(Event::Notice).into()));
        }
        for told in news.told {
            self.chats[told].identity.phone = None;
            self.tasks.push_back(Task::Turn(id(told), vec![Event::Notice(Notice::IdentityChanged)]));
        }
        self.settle();
    }
}
