//! A page being drawn: text, rules, and the structure that lets a screen reader walk it.
//!
//! Every piece of text is a structure element of its own, in reading order; rules are marked as decoration.
//! Coordinates are points from the page's lower left corner; a text's `y` is its baseline.

use pdf_writer::types::StructRole;
use pdf_writer::{Content, Finish, Name, Str};

use super::CertificateError;
use super::font::{Face, Run};

/// Which of the two faces a text is set in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) weight: Weight,
    /// Points.
    pub(super) size: f32,
    pub(super) color: [f32; 3],
    /// Points added after each letter; for small capitals' lines only.
    pub(super) tracking: f32,
}

/// The two faces of a certificate.
pub(super) struct Faces {
    pub(super) regular: Face,
    pub(super) bold: Face,
}

/// One element of the structure: a text and what it is.
pub(super) struct Element {
    pub(super) role: StructRole,
    /// What a screen reader says instead of what is printed; of a figure, what it shows.
    pub(super) spoken: Option<String>,
}

/// The page while it is drawn.
pub(super) struct Sheet<'a> {
    faces: &'a Faces,
    content: Content,
    elements: Vec<Element>,
}

impl Faces {
    pub(super) fn of(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }
}

impl Weight {
    /// The name under which the page's resources hold the face.
    pub(super) fn resource(self) -> Name<'static> {
        match self {
            Weight::Regular => Name(b"R"),
            Weight::Bold => Name(b"B"),
        }
    }
}

impl Style {
    /// The same in another size.
    pub(super) fn sized(self, size: f32) -> Self {
        Self { size, ..self }
    }
}

impl<'a> Sheet<'a> {
    pub(super) fn new(faces: &'a Faces) -> Self {
        Self { faces, content: Content::new(), elements: Vec::new() }
    }

    /// Puts text into glyphs of its face, to be measured or shown.
    pub(super) fn shape(&self, style: Style, text: &str) -> Result<Run, CertificateError> {
        self.faces.of(style.weight).shape(text)
    }

    /// A text of one line that starts at `x`.
    pub(super) fn text(
        &mut self,
        role: StructRole,
        style: Style,
        at: (f32, f32),
        text: &str,
    ) -> Result<(), CertificateError> {
        self.lines(role, style, at, 0.0, &[text])
    }

    /// A text of several lines, one element: they are read as one.
    pub(super) fn lines(
        &mut self,
        role: StructRole,
        style: Style,
        (x, y): (f32, f32),
        leading: f32,
        lines: &[&str],
    ) -> Result<(), CertificateError> {
        self.begin(role, None);
        let mut baseline = y;
        for (index, line) in lines.iter().enumerate() {
            // A space at a line's end keeps its last word apart from the next line's first when it is copied.
            let run = if index + 1 < lines.len() {
                self.shape(style, &format!("{line} "))?
            } else {
                self.shape(style, line)?
            };
            self.show(style, (x, baseline), &run);
            baseline -= leading;
        }
        self.end();
        Ok(())
    }

    /// A text of one line that ends at `x`.
    pub(super) fn text_ending(
        &mut self,
        role: StructRole,
        style: Style,
        (x, y): (f32, f32),
        text: &str,
    ) -> Result<(), CertificateError> {
        let run = self.shape(style, text)?;
        self.begin(role, None);
        self.show(style, (x - run.width(style.size), y), &run);
        self.end();
        Ok(())
    }

    /// A text that is read aloud in other words than it is printed.
    pub(super) fn text_spoken(
        &mut self,
        style: Style,
        at: (f32, f32),
        text: &str,
        spoken: String,
    ) -> Result<(), CertificateError> {
        let run = self.shape(style, text)?;
        self.begin(StructRole::P, Some(spoken));
        self.show(style, at, &run);
        self.end();
        Ok(())
    }

    /// A square picture whose lower left corner is at `at`, told to a screen reader in words.
    pub(super) fn figure(&mut self, picture: Name<'_>, (x, y): (f32, f32), side: f32, told: &str) {
        self.begin(StructRole::Figure, Some(told.to_owned()));
        self.content.save_state().transform([side, 0.0, 0.0, side, x, y]).x_object(picture).restore_state();
        self.end();
    }

    /// A horizontal line of a form. Decoration: a screen reader passes it over.
    pub(super) fn rule(&mut self, from: f32, to: f32, y: f32, thickness: f32, [r, g, b]: [f32; 3]) {
        self.content.begin_marked_content(Name(b"Artifact"));
        self.content.set_stroke_rgb(r, g, b).set_line_width(thickness);
        self.content.move_to(from, y).line_to(to, y).stroke();
        self.content.end_marked_content();
    }

    /// The drawing and its structure.
    pub(super) fn finish(self) -> (Vec<u8>, Vec<Element>) {
        (self.content.finish().into_vec(), self.elements)
    }

    fn begin(&mut self, role: StructRole, spoken: Option<String>) {
        // A page has some twenty elements.
        let id = i32::try_from(self.elements.len()).unwrap_or(i32::MAX);
        let mut mark = self.content.begin_marked_content_with_properties(role.to_name());
        mark.properties().identify(id);
        mark.finish();
        self.elements.push(Element { role, spoken });
    }

    fn end(&mut self) {
        self.content.end_marked_content();
    }

    fn show(&mut self, style: Style, at: (f32, f32), run: &Run) {
        let [r, g, b] = style.color;
        self.content.begin_text();
        self.content.set_font(style.weight.resource(), style.size);
        self.content.set_fill_rgb(r, g, b);
        self.content.set_char_spacing(style.tracking);
        self.content.next_line(at.0, at.1);
        let mut shown = self.content.show_positioned();
        let mut items = shown.items();
        let mut bytes = Vec::with_capacity(2 * run.glyphs.len());
        for &(cid, nearer) in &run.glyphs {
            if nearer != 0.0 && !bytes.is_empty() {
                items.show(Str(&bytes));
                items.adjust(nearer);
                bytes.clear();
            }
            bytes.extend_from_slice(&cid.to_be_bytes());
        }
        items.show(Str(&bytes));
        items.finish();
        shown.finish();
        self.content.end_text();
    }
}
