//! What stands on a certificate besides the person's data, in both languages.
//!
//! These words are part of a printed form: their length decides where its lines and boxes stand, and they are
//! never said in the chat. So they live beside the layout that was drawn for them, not among the chat's texts.

use time::Date;

use crate::domain::certificate::Language;

/// The form's words in one language.
pub(super) struct Words {
    /// BCP 47, for screen readers.
    pub(super) tag: &'static str,
    pub(super) issuer: &'static str,
    pub(super) title: &'static str,
    pub(super) dose: &'static str,
    pub(super) name: &'static str,
    pub(super) nik: &'static str,
    /// How a screen reader says a masked NIK, before its last digits.
    pub(super) nik_ending: &'static str,
    pub(super) birth_date: &'static str,
    pub(super) date: &'static str,
    pub(super) vaccine: &'static str,
    pub(super) batch: &'static str,
    pub(super) id: &'static str,
    pub(super) statement: &'static str,
    /// Under the code: what it is for.
    pub(super) scan: &'static str,
    /// Before the day on which the code's signature ends.
    pub(super) good_until: &'static str,
    /// What a screen reader says in place of the code.
    pub(super) code: &'static str,
    pub(super) care: &'static str,
    /// Printed when the NIK cannot be a real one.
    pub(super) sample: &'static str,
    months: [&'static str; 12],
}

const INDONESIAN: Words = Words {
    tag: "id",
    issuer: "KEMENTERIAN KESEHATAN REPUBLIK INDONESIA",
    title: "Sertifikat Vaksinasi COVID-19",
    dose: "Dosis",
    name: "Nama lengkap",
    nik: "NIK",
    nik_ending: "berakhiran",
    birth_date: "Tanggal lahir",
    date: "Tanggal vaksinasi",
    vaccine: "Vaksin",
    batch: "Nomor bets",
    id: "ID sertifikat",
    statement: "Dengan ini dinyatakan bahwa orang tersebut di atas telah menerima vaksinasi COVID-19 dengan dosis \
                dan pada tanggal yang tertera, sebagaimana tercatat dalam data imunisasi nasional dan sesuai \
                dengan peraturan Menteri Kesehatan yang berlaku.",
    scan: "Keaslian sertifikat ini dapat diperiksa dari kode di atas, juga tanpa internet.",
    good_until: "Tanda tangan digital berlaku sampai",
    code: "Kode QR bertanda tangan digital: nama, tanggal lahir, dan vaksinasi ini. Tidak memuat NIK.",
    care: "Berisi data pribadi. Mohon tidak diunggah ke media sosial.",
    sample: "CONTOH: orang dan data rekaan, tidak berlaku sebagai bukti vaksinasi.",
    months: [
        "Januari",
        "Februari",
        "Maret",
        "April",
        "Mei",
        "Juni",
        "Juli",
        "Agustus",
        "September",
        "Oktober",
        "November",
        "Desember",
    ],
};

const ENGLISH: Words = Words {
    tag: "en",
    issuer: "MINISTRY OF HEALTH OF THE REPUBLIC OF INDONESIA",
    title: "COVID-19 Vaccination Certificate",
    dose: "Dose",
    name: "Full name",
    nik: "National identity number (NIK)",
    nik_ending: "ending in",
    birth_date: "Date of birth",
    date: "Date of vaccination",
    vaccine: "Vaccine",
    batch: "Batch number",
    id: "Certificate ID",
    statement: "This certifies that the person named above has received the dose of COVID-19 vaccine stated here, \
                on the date shown, as recorded in the national immunization data and in accordance with the \
                regulations of the Minister of Health in force.",
    scan: "The code above proves that this certificate is genuine, without the internet too.",
    good_until: "Digital signature valid until",
    code: "Digitally signed QR code: name, date of birth and this vaccination. It holds no NIK.",
    care: "Contains personal data. Please do not post it on social media.",
    sample: "SAMPLE: person and data are invented, not valid as proof of vaccination.",
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
};

impl Words {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::Indonesian => &INDONESIAN,
            Language::English => &ENGLISH,
        }
    }

    /// A day in words, "14 Juli 2021": no order of numbers to mistake.
    pub(super) fn day(&self, date: Date) -> String {
        let month = self.months[usize::from(u8::from(date.month())) - 1];
        format!("{} {month} {}", date.day(), date.year())
    }

    /// The document's title: no name and no number in it, since viewers and phones keep lists of titles.
    pub(super) fn document_title(&self, dose: u8) -> String {
        format!("{}, {} {dose}", self.title, self.dose.to_lowercase())
    }
}
