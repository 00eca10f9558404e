//! Six citizens for a newcomer to try, each a case of its own, as plain data for the chat page.
//!
//! Everyone on a card is of the `cast`, so what a card promises is what the acceptance examples play.

use super::population::demo_phone;
use crate::domain::phone::{Mobile, Phone};

/// A citizen to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoCard {
    /// Stable, for tests.
    pub key: &'static str,
    /// At most a line, in both languages.
    pub title: &'static str,
    pub title_en: &'static str,
    /// What to do and to expect, in one or two sentences.
    pub about: &'static str,
    pub about_en: &'static str,
    /// Whose WhatsApp it is; none for one known by `bsuid` alone.
    pub phone: Option<Phone>,
    pub bsuid: Option<&'static str>,
    pub username: Option<&'static str>,
    /// The registered number, when it is not the WhatsApp one.
    pub registered: Option<Phone>,
    /// Whose name and NIK are filled in; the first is the citizen.
    pub people: Vec<DemoPerson>,
}

/// An invented person: nobody has a NIK of region 00, so these may stand on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoPerson {
    pub name: &'static str,
    pub nik: &'static str,
}

/// The six cards.
pub fn demo_cards() -> Vec<DemoCard> {
    vec![smooth(), not_issued(), family(), nik_taken(), username(), old_number_dead()]
}

fn smooth() -> DemoCard {
    DemoCard {
        key: "smooth",
        title: "Lancar",
        title_en: "Smooth",
        about: "Satu sertifikat, nomor WhatsApp ini terdaftar. Tulis hai.",
        about_en: "One certificate, and this WhatsApp number is the registered one. Say hai.",
        phone: phone(42),
        bsuid: None,
        username: None,
        registered: None,
        people: vec![person("Siti Rahmawati", "0001014708900003")],
    }
}

fn not_issued() -> DemoCard {
    DemoCard {
        key: "not_issued",
        title: "Tercatat, belum terbit",
        title_en: "Recorded, not issued",
        about: "Dosis 2 sudah tercatat, sertifikatnya masih diproses. Pilih Status Vaksinasi.",
        about_en: "Dose 2 is recorded, its certificate is not out yet. Choose Status Vaksinasi.",
        phone: phone(95),
        people: vec![person("Wayan Sudarma", "0001012001750011"), person("Made Sudarma", "0001015002790012")],
        ..smooth()
    }
}

fn family() -> DemoCard {
    DemoCard {
        key: "family",
        title: "Keluarga berlima",
        title_en: "A family of five",
        about: "Satu nomor, lima orang. Setelah sertifikat ibu, tulis KELUARGA. Dimas belum pernah tercatat.",
        about_en: "One number, five people. After the mother's certificate write KELUARGA. Dimas was never recorded.",
        phone: phone(88),
        people: vec![
            person("Lestari Wulandari", "0001015503820006"),
            person("Hadi Pradana", "0001011711790008"),
            person("Bayu Pradana", "0001010505120004"),
            person("Citra Pradana", "0001014506140003"),
            person("Dimas Pradana", "0001010707160001"),
        ],
        ..smooth()
    }
}

fn nik_taken() -> DemoCard {
    DemoCard {
        key: "nik_taken",
        title: "NIK dipakai orang lain",
        title_en: "NIK held by another",
        about: "Salah ketik petugas: NIK ini tercatat atas nama orang lain. Jawabannya laporan ke petugas.",
        about_en: "An officer's slip: this NIK stands under another name. The way on is a report.",
        phone: phone(145),
        people: vec![person("Yohanes Mandacan", "0001010909800021")],
        ..smooth()
    }
}

fn username() -> DemoCard {
    DemoCard {
        key: "username",
        title: "Hanya nama pengguna",
        title_en: "Username only",
        about: "Di luar negeri, berbahasa Inggris, nomor WhatsApp tidak terlihat. Tulis Hello, I need my certificate.",
        about_en: "Abroad and in English, the WhatsApp number hidden. Say: Hello, I need my vaccine certificate.",
        phone: None,
        bsuid: Some("ID.mariawattimena160"),
        username: Some("mariawattimena"),
        registered: phone(160),
        people: vec![person("Maria Wattimena", "0001015112830008")],
    }
}

fn old_number_dead() -> DemoCard {
    DemoCard {
        key: "old_number_dead",
        title: "Nomor lama hangus",
        title_en: "Old number dead",
        about: "Nomor terdaftar sudah mati, jadi kode tidak bisa diterima. Tulis: nomor lama saya sudah hangus.",
        about_en: "The registered number is dead, so no code can arrive. Write: nomor lama saya sudah hangus.",
        phone: phone(177),
        registered: phone(170),
        people: vec![person("Joko Susilo", "0001011203770005")],
        ..smooth()
    }
}

fn phone(last_four: u32) -> Option<Phone> {
    demo_phone(last_four).map(Mobile::phone)
}

const fn person(name: &'static str, nik: &'static str) -> DemoPerson {
    DemoPerson { name, nik }
}
