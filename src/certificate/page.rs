//! The certificate's page: what stands where.
//!
//! A4 across. The person and the vaccination stand in a ruled form on the left; the right column holds the code
//! that can be verified, 58 mm wide with white around it, or nothing. Every text that comes from the registry is
//! fitted to its box by computed width: it shrinks, a name breaks into two lines first.

use pdf_writer::Name;
use pdf_writer::types::StructRole;

use super::sheet::{Element, Faces, Sheet, Style, Weight};
use super::words::Words;
use super::{CertificateError, Code};
use crate::domain::certificate::Certificate;
use crate::domain::nik::Nik;

/// Width and height of the page, points.
pub(super) const PAGE: (f32, f32) = (841.89, 595.28);

const LEFT: f32 = 62.0;
const RIGHT: f32 = PAGE.0 - 62.0;
/// Where the form ends and the right column's margin begins.
const FORM_RIGHT: f32 = 580.0;
/// The form's second column.
const SECOND: f32 = 331.0;
const GUTTER: f32 = 20.0;

const INK: [f32; 3] = [0.09, 0.11, 0.13];
const QUIET: [f32; 3] = [0.36, 0.40, 0.43];
const HAIRLINE: [f32; 3] = [0.74, 0.77, 0.79];
const ACCENT: [f32; 3] = [0.02, 0.33, 0.36];

const ISSUER: Style = Style { weight: Weight::Bold, size: 9.5, color: ACCENT, tracking: 0.9 };
const TITLE: Style = Style { weight: Weight::Bold, size: 29.0, color: INK, tracking: 0.0 };
const DOSE: Style = Style { weight: Weight::Bold, size: 40.0, color: ACCENT, tracking: 0.0 };
const LABEL: Style = Style { weight: Weight::Regular, size: 9.5, color: QUIET, tracking: 0.0 };
const NAME: Style = Style { weight: Weight::Bold, size: 26.0, color: INK, tracking: 0.0 };
const VALUE: Style = Style { weight: Weight::Regular, size: 15.0, color: INK, tracking: 0.0 };
const STATEMENT: Style = Style { weight: Weight::Regular, size: 10.5, color: INK, tracking: 0.0 };
const NOTE: Style = Style { weight: Weight::Regular, size: 8.5, color: QUIET, tracking: 0.0 };
const SAMPLE: Style = Style { weight: Weight::Bold, size: 8.5, color: QUIET, tracking: 0.0 };

/// Below this a name is broken into two lines rather than made smaller still.
const NAME_ONE_LINE_MIN: f32 = 19.0;
const NAME_TWO_LINES: f32 = 18.0;
const NAME_BASELINE: f32 = 405.0;
/// The code's side, 58 mm: the HCERT specification asks for 35 to 60.
const CODE: f32 = 58.0 / 25.4 * 72.0;
const CODE_BOTTOM: f32 = 444.0 - CODE;
/// Under which the page's resources hold the code.
pub(super) const CODE_PICTURE: Name<'static> = Name(b"Q");

const FIRST_ROW: f32 = 352.0;
const ROW_HEIGHT: f32 = 55.0;

/// A field of the form: what it is, what it says, and how that is read aloud when not as printed.
struct Field<'a> {
    label: &'static str,
    value: &'a str,
    spoken: Option<String>,
}

/// Draws the page: its drawing operators and its structure.
pub(super) fn draw(
    certificate: &Certificate,
    code: Option<&Code>,
    words: &Words,
    faces: &Faces,
) -> Result<(Vec<u8>, Vec<Element>), CertificateError> {
    let mut sheet = Sheet::new(faces);
    head(&mut sheet, certificate, words)?;
    name(&mut sheet, words, &printable(faces, Weight::Bold, certificate.name.as_str())?)?;
    let id = code.map_or(certificate.id.as_str(), |code| code.id.as_str());
    form(&mut sheet, certificate, id, words, faces)?;
    statement(&mut sheet, words)?;
    if let Some(code) = code {
        self::code(&mut sheet, code, words)?;
    }
    foot(&mut sheet, certificate, words)?;
    Ok(sheet.finish())
}

fn head(sheet: &mut Sheet<'_>, certificate: &Certificate, words: &Words) -> Result<(), CertificateError> {
    sheet.text(StructRole::P, ISSUER, (LEFT, 524.0), words.issuer)?;
    sheet.text(StructRole::H1, TITLE, (LEFT, 486.0), words.title)?;
    sheet.text_ending(StructRole::P, LABEL, (RIGHT, 524.0), words.dose)?;
    sheet.text_ending(StructRole::P, DOSE, (RIGHT, 486.0), &certificate.dose.to_string())?;
    sheet.rule(LEFT, RIGHT, 464.0, 1.6, ACCENT);
    Ok(())
}

fn name(sheet: &mut Sheet<'_>, words: &Words, name: &str) -> Result<(), CertificateError> {
    let room = FORM_RIGHT - LEFT;
    sheet.text(StructRole::P, LABEL, (LEFT, 438.0), words.name)?;
    let size = fitted(sheet, NAME, name, room)?;
    if size >= NAME_ONE_LINE_MIN {
        sheet.text(StructRole::P, NAME.sized(size), (LEFT, NAME_BASELINE), name)?;
    } else if let Some((first, second)) = halves(sheet, name)? {
        let of_first = fitted(sheet, NAME.sized(NAME_TWO_LINES), first, room)?;
        let of_second = fitted(sheet, NAME.sized(NAME_TWO_LINES), second, room)?;
        let style = NAME.sized(of_first.min(of_second));
        sheet.lines(StructRole::P, style, (LEFT, NAME_BASELINE + 12.0), 22.0, &[first, second])?;
    } else {
        sheet.text(StructRole::P, NAME.sized(size), (LEFT, NAME_BASELINE), name)?;
    }
    sheet.rule(LEFT, FORM_RIGHT, NAME_BASELINE - 25.0, 0.6, HAIRLINE);
    Ok(())
}

fn form(
    sheet: &mut Sheet<'_>,
    certificate: &Certificate,
    id: &str,
    words: &Words,
    faces: &Faces,
) -> Result<(), CertificateError> {
    let (masked, ending) = masked(certificate.nik);
    let born = words.day(certificate.birth_date);
    let day = words.day(certificate.date);
    let vaccine = printable(faces, VALUE.weight, &certificate.vaccine)?;
    let batch = printable(faces, VALUE.weight, &certificate.batch)?;
    let id = printable(faces, VALUE.weight, id)?;
    let field = |label, value| Field { label, value, spoken: None };
    let nik = Field { spoken: Some(format!("{} {ending}", words.nik_ending)), ..field(words.nik, masked.as_str()) };
    let rows = [
        [nik, field(words.birth_date, born.as_str())],
        [field(words.date, day.as_str()), field(words.vaccine, vaccine.as_str())],
        [field(words.batch, batch.as_str()), field(words.id, id.as_str())],
    ];
    let mut y = FIRST_ROW;
    for [left, right] in rows {
        cell(sheet, LEFT, SECOND - GUTTER, y, left)?;
        cell(sheet, SECOND, FORM_RIGHT, y, right)?;
        y -= ROW_HEIGHT;
    }
    Ok(())
}

fn cell(sheet: &mut Sheet<'_>, left: f32, right: f32, y: f32, field: Field<'_>) -> Result<(), CertificateError> {
    sheet.text(StructRole::P, LABEL, (left, y), field.label)?;
    let style = VALUE.sized(fitted(sheet, VALUE, field.value, right - left)?);
    let at = (left, y - 20.0);
    match field.spoken {
        None => sheet.text(StructRole::P, style, at, field.value)?,
        Some(spoken) => sheet.text_spoken(style, at, field.value, spoken)?,
    }
    sheet.rule(left, right, y - 31.0, 0.6, HAIRLINE);
    Ok(())
}

fn statement(sheet: &mut Sheet<'_>, words: &Words) -> Result<(), CertificateError> {
    let lines = wrapped(sheet, STATEMENT, words.statement, FORM_RIGHT - LEFT)?;
    sheet.lines(StructRole::P, STATEMENT, (LEFT, 180.0), 16.0, &lines)
}

/// The code, what it is for, and until when its signature is good.
fn code(sheet: &mut Sheet<'_>, code: &Code, words: &Words) -> Result<(), CertificateError> {
    let left = RIGHT - CODE;
    sheet.figure(CODE_PICTURE, (left, CODE_BOTTOM), CODE, words.code);
    let scan = wrapped(sheet, NOTE, words.scan, CODE)?;
    sheet.lines(StructRole::P, NOTE, (left, CODE_BOTTOM - 22.0), 12.0, &scan)?;
    let until = format!("{} {}.", words.good_until, words.day(code.good_until));
    let until = wrapped(sheet, NOTE, &until, CODE)?;
    sheet.lines(StructRole::P, NOTE, (left, CODE_BOTTOM - 64.0), 12.0, &until)
}

fn foot(sheet: &mut Sheet<'_>, certificate: &Certificate, words: &Words) -> Result<(), CertificateError> {
    sheet.rule(LEFT, RIGHT, 84.0, 0.6, HAIRLINE);
    sheet.text(StructRole::P, NOTE, (LEFT, 66.0), words.care)?;
    if is_invented(certificate.nik) {
        sheet.text_ending(StructRole::P, SAMPLE, (RIGHT, 66.0), words.sample)?;
    }
    Ok(())
}

/// The largest size, at most the style's, in which the text is no wider than `room`.
fn fitted(sheet: &Sheet<'_>, style: Style, text: &str, room: f32) -> Result<f32, CertificateError> {
    let width = sheet.shape(style, text)?.width(style.size);
    Ok(if width <= room { style.size } else { style.size * room / width })
}

/// A name in two lines, broken where the longer one is shortest; nothing when it is one word.
fn halves<'t>(sheet: &Sheet<'_>, name: &'t str) -> Result<Option<(&'t str, &'t str)>, CertificateError> {
    let mut best: Option<(f32, (&str, &str))> = None;
    for (at, _) in name.match_indices(' ') {
        let parts = (name[..at].trim_end(), name[at..].trim_start());
        let longer = sheet.shape(NAME, parts.0)?.advance.max(sheet.shape(NAME, parts.1)?.advance);
        if best.is_none_or(|(least, _)| longer < least) {
            best = Some((longer, parts));
        }
    }
    Ok(best.map(|(_, parts)| parts))
}

/// Breaks a text into lines no wider than `room`, each word measured once.
fn wrapped<'t>(sheet: &Sheet<'_>, style: Style, text: &'t str, room: f32) -> Result<Vec<&'t str>, CertificateError> {
    let space = sheet.shape(style, " ")?.width(style.size);
    let mut lines = Vec::new();
    let (mut start, mut end, mut width) = (0, 0, 0.0);
    for word in text.split(' ') {
        let own = sheet.shape(style, word)?.width(style.size);
        if end > start && width + space + own > room {
            lines.push(&text[start..end]);
            start = end + 1;
            width = own;
        } else {
            width += if end > start { space + own } else { own };
        }
        end = if end == 0 { word.len() } else { end + 1 + word.len() };
    }
    lines.push(&text[start..end]);
    Ok(lines)
}

/// A NIK as printed, and its last digits. Only the serial at its end is shown: birth date and sex are printed
/// or plain anyway, so each further digit would leave little to guess.
fn masked(nik: Nik) -> (String, String) {
    let digits = nik.digits();
    let ending = digits[digits.len() - 4..].to_owned();
    (format!("•••• •••• •••• {ending}"), ending)
}

/// No region has the code 00, so such a NIK is nobody's.
fn is_invented(nik: Nik) -> bool {
    nik.digits().starts_with("00")
}

/// A text in letters that the face has: composed, and a letter that it lacks without its marks.
fn printable(faces: &Faces, weight: Weight, text: &str) -> Result<String, CertificateError> {
    use unicode_normalization::UnicodeNormalization;
    let face = faces.of(weight);
    let mut printed = String::with_capacity(text.len());
    for letter in text.nfc() {
        if face.covers(letter) {
            printed.push(letter);
        } else if letter.is_whitespace() {
            printed.push(' ');
        } else {
            let bare = std::iter::once(letter).nfd().next().filter(|bare| face.covers(*bare));
            printed.push(bare.ok_or(CertificateError::Letter)?);
        }
    }
    Ok(printed)
}
