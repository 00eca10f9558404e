//! Certificates as PDF documents: typeset from a [`Certificate`], one page, ready to print.
//!
//! The faces are prepared once ([`Typesetter::new`]); a document is then drawing operators of some kilobytes in
//! front of a copy of the finished fonts. So it costs well under a millisecond, stays below 30 KB, and the same
//! certificate gives the same bytes. A document has a language, a title, a structure for screen readers, and
//! text that can be selected. No full NIK gets into it. Its code ([`hcert`]) is a one-bit picture, a kilobyte.
//!
//! Floor 0. What does not belong here: what a certificate says (`domain::certificate`), how it travels.
//!
//! Typeface: Noto Sans (SIL Open Font License 1.1, `certificate/OFL.txt`), from the crate `notosans`.

mod font;
pub mod hcert;
mod page;
mod qr;
mod sheet;
#[cfg(test)]
mod tests;
mod words;

use pdf_writer::types::StructRole;
use pdf_writer::{Chunk, Filter, Finish, Name, Pdf, Rect, Ref, Settings, TextStr, XRefFilter};
use time::Date;

use crate::domain::certificate::Certificate;
use crate::domain::uvci::Uvci;
use font::{Face, FaceRefs};
use sheet::{Element, Faces, Weight};
use words::Words;

/// Compact writing: no indentation nobody reads.
const SETTINGS: Settings = Settings { pretty: false };

/// Packing a page is a good part of a certificate's cost; harder packing gains a hundred bytes.
const DEFLATE_LEVEL: u8 = 4;

/// Why a certificate cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// A face cannot be prepared: found at start.
    #[error("the typeface cannot be read: {0}")]
    Font(String),
    /// A text has a letter outside Latin-1 and Latin Extended-A that is not one of them with a mark.
    #[error("a text holds a letter that the typeface does not have")]
    Letter,
    #[error("its code cannot be drawn: {0}")]
    Code(&'static str),
}

/// The code of one certificate, and what is printed beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// What the QR says (`hcert::sign`).
    pub text: String,
    pub id: Uvci,
    /// The last day of its signature, in western Indonesia.
    pub good_until: Date,
}

/// Sets certificates. Made once, shared by all threads.
pub struct Typesetter {
    refs: Refs,
    /// For names in plain letters, which nearly all are: it makes documents a third smaller.
    plain: Prepared,
    /// For all names.
    full: Prepared,
}

/// Two faces, and their objects in finished form.
struct Prepared {
    faces: Faces,
    fonts: Chunk,
}

/// The fixed objects of a document; those of its structure follow.
struct Refs {
    catalog: Ref,
    pages: Ref,
    page: Ref,
    content: Ref,
    info: Ref,
    code: Ref,
    regular: FaceRefs,
    bold: FaceRefs,
    structure: Ref,
    parents: Ref,
    document: Ref,
    first_element: Ref,
}

impl std::fmt::Debug for Typesetter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Typesetter({} and {} bytes of fonts)", self.plain.fonts.len(), self.full.fonts.len())
    }
}

impl Typesetter {
    /// Prepares the faces: some milliseconds, once.
    pub fn new() -> Result<Self, CertificateError> {
        let refs = Refs::allocate();
        let plain = Prepared::new(&refs, plain_letters())?;
        let full = Prepared::new(&refs, plain_letters().chain(marked_letters()))?;
        Ok(Self { refs, plain, full })
    }

    /// Sets one certificate, with its code if it has one. The same certificate gives the same bytes.
    pub fn render(&self, certificate: &Certificate, code: Option<&Code>) -> Result<Vec<u8>, CertificateError> {
        let words = Words::of(certificate.language);
        let prepared = if certificate.name.as_str().is_ascii() { &self.plain } else { &self.full };
        let (content, elements) = page::draw(certificate, code, words, &prepared.faces)?;
        let mut pdf = Pdf::with_settings_and_capacity(SETTINGS, prepared.fonts.len() + 12 * 1_024);
        pdf.set_version(1, 7);
        self.write_catalog(&mut pdf, words);
        let title = words.document_title(certificate.dose);
        pdf.document_info(self.refs.info).title(TextStr(&title)).producer(TextStr("siaga"));
        self.write_page(&mut pdf, &content, code.is_some());
        if let Some(code) = code {
            self.write_code(&mut pdf, &qr::modules(&code.text)?);
        }
        self.write_structure(&mut pdf, &elements);
        pdf.extend(&prepared.fonts);
        let xref = Ref::new(self.refs.first_element.get() + i32::try_from(elements.len()).unwrap_or_default());
        Ok(pdf
            .finish_with_xref_stream_and_filter(xref, |table| (packed(table), XRefFilter::Single(Filter::FlateDecode))))
    }

    fn write_catalog(&self, pdf: &mut Pdf, words: &Words) {
        let mut catalog = pdf.catalog(self.refs.catalog);
        catalog.pages(self.refs.pages).lang(TextStr(words.tag));
        catalog.viewer_preferences().display_doc_title(true);
        catalog.mark_info().marked(true);
        catalog.pair(Name(b"StructTreeRoot"), self.refs.structure);
    }

    fn write_page(&self, pdf: &mut Pdf, content: &[u8], has_code: bool) {
        let refs = &self.refs;
        pdf.pages(refs.pages).kids([refs.page]).count(1);
        let mut page = pdf.page(refs.page);
        page.parent(refs.pages)
            .media_box(Rect::new(0.0, 0.0, page::PAGE.0, page::PAGE.1))
            .contents(refs.content)
            .struct_parents(0);
        page.pair(Name(b"Tabs"), Name(b"S"));
        let mut resources = page.resources();
        resources
            .fonts()
            .pair(Weight::Regular.resource(), refs.regular.font)
            .pair(Weight::Bold.resource(), refs.bold.font);
        if has_code {
            resources.x_objects().pair(page::CODE_PICTURE, refs.code);
        }
        resources.finish();
        page.finish();
        pdf.stream(refs.content, &packed(content)).filter(Filter::FlateDecode);
    }

    /// A picture of one bit a module. Viewers that smooth enlarged pictures would blur its edges, so it says no.
    fn write_code(&self, pdf: &mut Pdf, modules: &qr::Modules) {
        // A QR has at most 177 modules on a side.
        let side = i32::try_from(modules.side).unwrap_or_default();
        let rows = packed(&modules.rows);
        let mut picture = pdf.image_xobject(self.refs.code, &rows);
        picture.filter(Filter::FlateDecode);
        picture.width(side).height(side).bits_per_component(1).interpolate(false);
        picture.color_space().device_gray();
        picture.finish();
    }

    /// One element a text, in reading order, so that the page is read as it is meant.
    fn write_structure(&self, pdf: &mut Pdf, elements: &[Element]) {
        let refs = &self.refs;
        let mut next = refs.first_element;
        let ids: Vec<Ref> = elements.iter().map(|_| next.bump()).collect();
        let mut root: pdf_writer::writers::StructTreeRoot<'_> = pdf.indirect(refs.structure).start();
        root.child(refs.document).parent_tree_next_key(1);
        root.parent_tree().nums().insert(0, refs.parents);
        root.finish();
        pdf.indirect(refs.parents).array().items(ids.iter().copied());
        let mut document = pdf.struct_element(refs.document);
        document.kind(StructRole::Document).parent(refs.structure);
        let mut children = document.children();
        for id in &ids {
            children.struct_element(*id);
        }
        children.finish();
        document.finish();
        for (index, (element, id)) in (0_i32..).zip(elements.iter().zip(ids)) {
            let mut written = pdf.struct_element(id);
            written.kind(element.role).parent(refs.document).page(refs.page);
            written.children().marked_content_id(index);
            if let Some(spoken) = &element.spoken {
                if matches!(element.role, StructRole::Figure) {
                    written.alt(TextStr(spoken));
                } else {
                    written.actual_text(TextStr(spoken));
                }
            }
        }
    }
}

impl Prepared {
    /// Prepares both faces; names are set in the bold one, so only it needs `name_letters`.
    fn new(refs: &Refs, name_letters: impl Iterator<Item = char>) -> Result<Self, CertificateError> {
        let mut fonts = Chunk::with_settings(SETTINGS);
        let (regular, bold) = (notosans::REGULAR_TTF, notosans::BOLD_TTF);
        let regular = Face::prepare(regular, b"SIAGAR+NotoSans", plain_letters(), refs.regular, &mut fonts)?;
        let bold = Face::prepare(bold, b"SIAGAB+NotoSans-Bold", name_letters, refs.bold, &mut fonts)?;
        Ok(Self { faces: Faces { regular, bold }, fonts })
    }
}

impl Refs {
    fn allocate() -> Self {
        let mut next = Ref::new(1);
        Self {
            catalog: next.bump(),
            pages: next.bump(),
            page: next.bump(),
            content: next.bump(),
            info: next.bump(),
            code: next.bump(),
            regular: FaceRefs::allocate(&mut next),
            bold: FaceRefs::allocate(&mut next),
            structure: next.bump(),
            parents: next.bump(),
            document: next.bump(),
            first_element: next,
        }
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec_zlib(bytes, DEFLATE_LEVEL)
}

/// What nearly everything is written in, with the signs that the form itself needs.
fn plain_letters() -> impl Iterator<Item = char> {
    (' '..='~').chain("•–—’‘".chars())
}

/// What other names are written in: the letters of Latin-1 and Latin Extended-A.
fn marked_letters() -> impl Iterator<Item = char> {
    ('À'..='ſ').filter(|letter| !matches!(letter, '×' | '÷'))
}
