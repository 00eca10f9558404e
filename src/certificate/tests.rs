//! What a certificate shows, read back from the document itself.

mod reader;

use time::macros::date;

use super::*;
use crate::domain::certificate::Language;
use crate::domain::citizen::PersonId;
use crate::domain::name::Name as PersonName;
use crate::domain::nik::Nik;
use crate::domain::time::Timestamp;
use reader::Document;

/// Where the form ends, from the page's own measures: what stands right of it is the code's place.
const FORM_RIGHT: f32 = 580.0;

fn certificate(name: &str, language: Language) -> Certificate {
    Certificate {
        id: "C7K2-9MQX-41TB".into(),
        person: PersonId("7f3a".into()),
        asked_at: Timestamp(1_795_416_600_000),
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

/// As long as real ones are, and of letters that pack badly.
fn code() -> Code {
    let letters = hcert::base45::encode(
        &(0..293_u32).map(|n| (n.wrapping_mul(2_654_435_761)).to_be_bytes()[1]).collect::<Vec<_>>(),
    );
    Code { text: format!("{}{letters}", hcert::PREFIX), id: Uvci::of([0x5a; 16]), good_until: date!(2027 - 11 - 23) }
}

fn rendered(name: &str, language: Language) -> (Vec<u8>, Document) {
    let setter = Typesetter::new().expect("fonts");
    let bytes = setter.render(&certificate(name, language), Some(&code())).expect("a document");
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
        code().id.as_str(),
    ] {
        assert!(indonesian.shown.iter().any(|run| run.text == text), "{text} in {:?}", indonesian.texts());
    }
    assert!(indonesian.texts().concat().contains("peraturan Menteri Kesehatan"));
    assert!(indonesian.texts().concat().contains("berlaku sampai 23 November 2027."), "{:?}", indonesian.texts());
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
    assert_eq!(setter.render(&foreign, None), Err(CertificateError::Letter));
}

#[test]
fn the_longest_names_keep_to_their_box_and_out_of_the_codes_place() {
    let widest = "W".repeat(60);
    let words = "Wwwwwwwwwwwwwww Wwwwwwwwwwwwwwww Wwwwwwwwwwwwwww Wwwwwwwwww";
    let marked = "Ŵ".repeat(60);
    for name in
        [widest.as_str(), words, marked.as_str(), "Tubagus Wahyu Avianto Hadiningrat Suryodipuro Kusumo", "Slamet"]
    {
        let (bytes, document) = rendered(name, Language::English);
        assert!(bytes.len() <= 30_000, "{} bytes", bytes.len());
        // What stands under the code is not the form's; nothing stands in or beside it.
        assert!(
            document.shown.iter().filter(|run| run.end > FORM_RIGHT + 15.0).all(|run| !(270.0..460.0).contains(&run.y))
        );
        for run in document.shown.iter().filter(|run| (100.0..455.0).contains(&run.y) && run.x < FORM_RIGHT) {
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
    assert!(first.len() <= 25_000, "{} bytes", first.len());
    assert_ne!(first, rendered("Siti Rahmawaty", Language::Indonesian).0);
}

#[test]
fn only_an_impossible_region_is_called_a_sample() {
    let setter = Typesetter::new().expect("fonts");
    let mut real = certificate("Siti Rahmawati", Language::Indonesian);
    let sample = |bytes: &[u8]| Document::read(bytes).texts().concat().contains("CONTOH");
    assert!(sample(&setter.render(&real, None).expect("a document")));
    real.nik = Nik::parse("9900014708900003").expect("a nik");
    assert!(!sample(&setter.render(&real, None).expect("a document")));
}

#[test]
fn the_document_can_be_walked_element_by_element() {
    let (bytes, document) = rendered("Siti Rahmawati", Language::Indonesian);
    assert!(reader::contains(&bytes, b"/Marked true"));
    let elements = bytes.windows(15).filter(|window| window == b"/Type/StructEle").count();
    assert_eq!(elements, document.marked + 1, "each marked text and picture is one element below the document");
    assert!(
        reader::contains(&bytes, b"/S/Figure") && reader::contains(&bytes, b"/Alt(Kode QR bertanda tangan digital")
    );
    assert!(reader::contains(&bytes, b"/ActualText(berakhiran 0003)"));
}

#[test]
fn the_code_is_one_picture_of_one_bit_and_is_left_out_where_there_is_none() {
    let (bytes, document) = rendered("Siti Rahmawati", Language::Indonesian);
    for part in
        [&b"/BitsPerComponent 1"[..], b"/Width 81", b"/Height 81", b"/ColorSpace/DeviceGray", b"/Interpolate false"]
    {
        assert!(reader::contains(&bytes, part), "{}", String::from_utf8_lossy(part));
    }
    let picture = qr::modules(&code().text).expect("a code").rows;
    assert!(document.streams.contains(&picture), "the picture is the code's modules");
    let setter = Typesetter::new().expect("fonts");
    let bare = setter.render(&certificate("Siti Rahmawati", Language::Indonesian), None).expect("a document");
    let document = Document::read(&bare);
    assert!(!reader::contains(&bare, b"/Image") && bytes.len() - bare.len() < 3_000);
    assert!(document.shown.iter().any(|run| run.text == "C7K2-9MQX-41TB"), "the registry's number then");
    assert!(!document.texts().concat().contains("Keaslian"), "nothing is promised then");
}
