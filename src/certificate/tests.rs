//! What a certificate shows, read back from the document itself.

mod reader;

use time::macros::date;

use super::*;
use crate::domain::certificate::Language;
use crate::domain::name::Name as PersonName;
use crate::domain::nik::Nik;
use reader::Document;

/// Where the form ends, from the page's own measures: what stands right of it is the code's future place.
const FORM_RIGHT: f32 = 580.0;

fn certificate(name: &str, language: Language) -> Certificate {
    Certificate {
        id: "C7K2-9MQX-41TB".into(),
        name: PersonName::parse(name).expect("a name"),
        nik: Nik::parse("0001014708900003").expect("a nik"),
        birth_date: date!(1990 - 08 - 07),
        dose: 2,
        date: date!(2021 - 10 - 01),
        vaccine: "CoronaVac".into(),
        batch: "202107088K".into(),
        language,
    }
}

fn rendered(name: &str, language: Language) -> (Vec<u8>, Document) {
    let bytes = Typesetter::new().expect("fonts").render(&certificate(name, language)).expect("a document");
    let document = Document::read(&bytes);
    (bytes, document)
}

#[test]
fn every_field_stands_on_the_page_in_the_citizens_language() {
    let (bytes, indonesian) = rendered("Siti Rahmawati", Language::Indonesian);
    for text in [
        "Sertifikat Vaksinasi COVID-19",
        "2",
        "Siti Rahmawati",
        "•••• •••• •••• 0003",
        "7 Agustus 1990",
        "1 Oktober 2021",
        "CoronaVac",
        "202107088K",
        "C7K2-9MQX-41TB",
    ] {
        assert!(indonesian.shown.iter().any(|run| run.text == text), "{text} in {:?}", indonesian.texts());
    }
    assert!(indonesian.texts().concat().contains("peraturan Menteri Kesehatan"));
    assert!(reader::contains(&bytes, b"/Lang(id)") && reader::contains(&bytes, b"/DisplayDocTitle true"));
    assert!(reader::contains(&bytes, b"(Sertifikat Vaksinasi COVID-19, dosis 2)"));

    let (bytes, english) = rendered("Siti Rahmawati", Language::English);
    for text in ["COVID-19 Vaccination Certificate", "7 August 1990", "1 October 2021", "Batch number"] {
        assert!(english.shown.iter().any(|run| run.text == text), "{text} in {:?}", english.texts());
    }
    assert!(reader::contains(&bytes, b"/Lang(en)"));
}

#[test]
fn no_full_nik_is_in_the_document_in_any_form() {
    let (bytes, document) = rendered("Siti Rahmawati", Language::Indonesian);
    let text = document.texts().concat();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    for secret in ["0001014708900003", "000101470890", "000101", "470890", "070890"] {
        assert!(!text.contains(secret) && !digits.contains(secret), "{secret} is printed");
        assert!(!reader::contains(&bytes, secret.as_bytes()), "{secret} is in the bytes");
        for stream in &document.streams {
            assert!(!reader::contains(stream, secret.as_bytes()), "{secret} is in a stream");
        }
    }
}

#[test]
fn letters_beyond_ascii_are_printed_and_read_back() {
    for name in ["Łukasz Þórður Œuvré d'Ávila", "Žofia Ğül Šćepan Ñandú", "Ma'ruf Ĩĸĵŋ-Ũ."] {
        let (_, document) = rendered(name, Language::Indonesian);
        assert!(document.shown.iter().any(|run| run.text == name), "{name} in {:?}", document.texts());
    }
    // Letters composed of parts read as one; a letter that the faces lack is printed without its marks.
    let (_, document) = rendered("Rene\u{301} Nguyễn", Language::Indonesian);
    assert!(document.shown.iter().any(|run| run.text == "René Nguyen"), "{:?}", document.texts());
    let setter = Typesetter::new().expect("fonts");
    let foreign = Certificate { batch: "Иван".into(), ..certificate("Ivan", Language::Indonesian) };
    assert_eq!(setter.render(&foreign), Err(CertificateError::Letter));
}

#[test]
fn the_longest_names_keep_to_their_box_and_nothing_stands_in_the_codes_place() {
    let widest = "W".repeat(60);
    let words = "Wwwwwwwwwwwwwww Wwwwwwwwwwwwwwww Wwwwwwwwwwwwwww Wwwwwwwwww";
    let marked = "Ŵ".repeat(60);
    for name in
        [widest.as_str(), words, marked.as_str(), "Tubagus Wahyu Avianto Hadiningrat Suryodipuro Kusumo", "Slamet"]
    {
        let (bytes, document) = rendered(name, Language::English);
        assert!(bytes.len() <= 30_000, "{} bytes", bytes.len());
        for run in document.shown.iter().filter(|run| (100.0..455.0).contains(&run.y)) {
            assert!(run.end <= FORM_RIGHT + 0.1, "`{}` ends at {}", run.text, run.end);
            assert!(run.size >= 8.0, "`{}` is set in {} points", run.text, run.size);
        }
        let set: String = document.texts().concat().chars().filter(|c| !c.is_whitespace()).collect();
        assert!(set.contains(&name.replace(' ', "")), "the whole name is printed");
    }
}

#[test]
fn the_same_certificate_gives_the_same_bytes() {
    let (first, _) = rendered("Siti Rahmawati", Language::Indonesian);
    let (second, _) = rendered("Siti Rahmawati", Language::Indonesian);
    assert_eq!(first, second);
    assert!(first.len() <= 24_000, "{} bytes", first.len());
    assert_ne!(first, rendered("Siti Rahmawaty", Language::Indonesian).0);
}

#[test]
fn only_an_impossible_region_is_called_a_sample() {
    let setter = Typesetter::new().expect("fonts");
    let mut real = certificate("Siti Rahmawati", Language::Indonesian);
    let sample = |bytes: &[u8]| Document::read(bytes).texts().concat().contains("CONTOH");
    assert!(sample(&setter.render(&real).expect("a document")));
    real.nik = Nik::parse("9900014708900003").expect("a nik");
    assert!(!sample(&setter.render(&real).expect("a document")));
}

#[test]
fn the_document_can_be_walked_element_by_element() {
    let (bytes, document) = rendered("Siti Rahmawati", Language::Indonesian);
    assert!(reader::contains(&bytes, b"/Marked true"));
    let elements = bytes.windows(15).filter(|window| window == b"/Type/StructEle").count();
    assert_eq!(elements, document.marked + 1, "each marked text is one element below the document");
    assert!(reader::contains(&bytes, b"/ActualText(berakhiran 0003)"));
}
