//! What chats ask in the tests of an account.

use super::*;

impl World {
    pub(in crate::account) fn identify(&self, claims: &[(&str, &str)]) -> Request {
        let claims = claims.iter().map(|(called, number)| Claim { name: name(called), nik: nik(number) }).collect();
        Request::Identify { account: self.phone, claims }
    }

    pub(in crate::account) fn change_name(&self, to: &str) -> Request {
        Request::ChangeName { account: self.phone, person: PersonId(String::from("p1")), name: name(to) }
    }

    pub(in crate::account) fn change_phone(&self, to: &str) -> Request {
        Request::ChangePhone { account: self.phone, person: PersonId(String::from("p1")), to: mobile(to) }
    }

    pub(in crate::account) fn undo(&self) -> Request {
        let sms = &self.sms.last().unwrap().1;
        let code = sms.split("BUKAN SAYA ").nth(1).unwrap()[..9].replace('-', "");
        Request::Undo { code: UndoCode::new(code.parse().unwrap()).unwrap() }
    }

    /// Two more of the first one's family: one is protected, one has died.
    pub(in crate::account) fn add_those_who_are_not_shown(&mut self) {
        let siti = self.people[0].clone();
        for (id, digits, standing) in
            [("p2", "0001014708900012", Standing::Protected), ("p3", "0001014708900013", Standing::Deceased)]
        {
            let person = Person { id: PersonId(id.into()), nik: nik(digits), standing, ..siti.clone() };
            self.records.insert(person.id.clone(), self.records[&siti.id].clone());
            self.people.push(person);
        }
    }
}
