//! A typeface made ready once: cut down to the letters that a certificate can hold, packed, measured.
//!
//! Cutting and packing a font costs milliseconds, so it happens at start and never per document: a document only
//! takes a copy of the finished bytes. Glyphs are addressed as CIDs of a Type 0 font (`Identity-H`), two bytes
//! each, and a `ToUnicode` map gives every one its character back, so that text can be selected and read aloud.
//!
//! What does not belong here: where text stands on the page (`sheet`, `page`).

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Chunk, Filter, Finish, Name, Rect, Ref, Str};
use subsetter::GlyphRemapper;
use ttf_parser::gpos::{PairAdjustment, PositioningSubtable};
use ttf_parser::opentype_layout::Lookup;
use ttf_parser::{GlyphId, Tag};

use super::CertificateError;

/// How hard a packed stream is packed: it happens once, and every certificate is the smaller for it.
const DEFLATE_LEVEL: u8 = 10;

const SYSTEM_INFO: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// One prepared face.
pub(super) struct Face {
    font: ttf_parser::Face<'static>,
    /// Glyph of the whole font -> CID, the glyph of the cut font.
    cids: GlyphRemapper,
    /// Pair adjustments of the font's `kern` feature, in the order they apply.
    kerning: Vec<Lookup<'static>>,
    /// Thousandths of an em in one unit of the font.
    thousandths: f32,
}

/// The objects that one face takes in a document, in a row.
#[derive(Clone, Copy)]
pub(super) struct FaceRefs {
    pub(super) font: Ref,
    descendant: Ref,
    descriptor: Ref,
    program: Ref,
    to_unicode: Ref,
}

/// A run of text in glyphs: what a text operator wants.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Run {
    /// CID of each glyph, and by how many thousandths of an em it stands nearer to the one before.
    pub(super) glyphs: Vec<(u16, f32)>,
    /// Thousandths of an em from its start to its end, kerning included.
    pub(super) advance: f32,
}

impl FaceRefs {
    pub(super) fn allocate(next: &mut Ref) -> Self {
        Self {
            font: next.bump(),
            descendant: next.bump(),
            descriptor: next.bump(),
            program: next.bump(),
            to_unicode: next.bump(),
        }
    }
}

impl Face {
    /// Cuts `data` down to `letters` and writes its objects into `chunk` under the name `post_script`, which
    /// carries a subset tag ("SIAGAB+NotoSans-Bold"). A letter that the face does not have is an error: better
    /// found at start than on a certificate.
    pub(super) fn prepare(
        data: &'static [u8],
        post_script: &[u8],
        letters: impl Iterator<Item = char>,
        refs: FaceRefs,
        chunk: &mut Chunk,
    ) -> Result<Self, CertificateError> {
        let font = ttf_parser::Face::parse(data, 0).map_err(|e| CertificateError::Font(e.to_string()))?;
        let mut cids = GlyphRemapper::new();
        let mut map = UnicodeCmap::<u16>::new(Name(b"siaga-unicode"), SYSTEM_INFO);
        let mut widths = vec![f32::from(font.glyph_hor_advance(GlyphId(0)).unwrap_or_default())];
        for letter in letters {
            let glyph = font.glyph_index(letter).ok_or(CertificateError::Letter)?;
            if cids.get(glyph.0).is_some() {
                continue; // two characters, one glyph: the first, the more usual one, is what is read back
            }
            map.pair(cids.remap(glyph.0), letter);
            widths.push(f32::from(font.glyph_hor_advance(glyph).unwrap_or_default()));
        }
        let thousandths = 1_000.0 / f32::from(font.units_per_em());
        let program = subsetter::subset(data, 0, &cids).map_err(|e| CertificateError::Font(e.to_string()))?;
        write_type0(refs, post_script, chunk);
        write_cid_font(refs, post_script, widths.iter().map(|w| (w * thousandths).round()), chunk);
        write_descriptor(refs, post_script, &font, thousandths, chunk);
        pack(refs.program, &program, chunk);
        pack(refs.to_unicode, map.finish().as_slice(), chunk);
        Ok(Self { kerning: kern_lookups(&font), font, cids, thousandths })
    }

    /// Puts text into glyphs. Fails on a character that the cut face does not have.
    pub(super) fn shape(&self, text: &str) -> Result<Run, CertificateError> {
        let mut run = Run { glyphs: Vec::with_capacity(text.len()), advance: 0.0 };
        let mut before: Option<GlyphId> = None;
        for letter in text.chars() {
            let glyph = self.font.glyph_index(letter).ok_or(CertificateError::Letter)?;
            let cid = self.cids.get(glyph.0).ok_or(CertificateError::Letter)?;
            let nearer = before.map_or(0.0, |left| -f32::from(self.kern(left, glyph)) * self.thousandths);
            let width = f32::from(self.font.glyph_hor_advance(glyph).unwrap_or_default()) * self.thousandths;
            // The width as the document states it, so that what is computed here is what is shown.
            run.advance += width.round() - nearer;
            run.glyphs.push((cid, nearer));
            before = Some(glyph);
        }
        Ok(run)
    }

    /// Whether the cut face can print this character.
    pub(super) fn covers(&self, letter: char) -> bool {
        self.font.glyph_index(letter).is_some_and(|glyph| self.cids.get(glyph.0).is_some())
    }

    /// By how much two glyphs move apart (negative: together), in units of the font.
    fn kern(&self, left: GlyphId, right: GlyphId) -> i16 {
        self.kerning.iter().map(|lookup| kern_of(lookup, left, right)).sum()
    }
}

impl Run {
    /// Points from start to end when set in `size` points.
    pub(super) fn width(&self, size: f32) -> f32 {
        self.advance * size / 1_000.0
    }
}

/// The pair adjustments of the `kern` feature.
fn kern_lookups(font: &ttf_parser::Face<'static>) -> Vec<Lookup<'static>> {
    let Some(gpos) = font.tables().gpos else { return Vec::new() };
    let mut indices: Vec<u16> = gpos
        .features
        .into_iter()
        .filter(|feature| feature.tag == Tag::from_bytes(b"kern"))
        .flat_map(|feature| feature.lookup_indices.into_iter())
        .collect();
    indices.sort_unstable();
    indices.dedup();
    indices.into_iter().filter_map(|index| gpos.lookups.get(index)).collect()
}

/// What one lookup says of a pair: the first of its tables that knows the pair decides.
fn kern_of(lookup: &Lookup<'static>, left: GlyphId, right: GlyphId) -> i16 {
    for table in lookup.subtables.into_iter::<PositioningSubtable<'_>>() {
        let PositioningSubtable::Pair(pairs) = table else { continue };
        let Some(index) = pairs.coverage().get(left) else { continue };
        let found = match pairs {
            PairAdjustment::Format1 { sets, .. } => sets.get(index).and_then(|set| set.get(right)),
            PairAdjustment::Format2 { classes, matrix, .. } => matrix.get((classes.0.get(left), classes.1.get(right))),
        };
        if let Some((first, _)) = found {
            return first.x_advance;
        }
    }
    0
}

fn write_type0(refs: FaceRefs, post_script: &[u8], chunk: &mut Chunk) {
    chunk
        .type0_font(refs.font)
        .base_font(Name(post_script))
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(refs.descendant)
        .to_unicode(refs.to_unicode);
}

fn write_cid_font(refs: FaceRefs, post_script: &[u8], widths: impl Iterator<Item = f32>, chunk: &mut Chunk) {
    let mut font = chunk.cid_font(refs.descendant);
    font.subtype(CidFontType::Type2)
        .base_font(Name(post_script))
        .system_info(SYSTEM_INFO)
        .font_descriptor(refs.descriptor)
        .cid_to_gid_map_predefined(Name(b"Identity"))
        .default_width(0.0);
    font.widths().consecutive(0, widths);
}

fn write_descriptor(
    refs: FaceRefs,
    post_script: &[u8],
    font: &ttf_parser::Face<'_>,
    thousandths: f32,
    chunk: &mut Chunk,
) {
    let scaled = |value: i16| (f32::from(value) * thousandths).round();
    let around = font.global_bounding_box();
    chunk
        .font_descriptor(refs.descriptor)
        .name(Name(post_script))
        .flags(FontFlags::SYMBOLIC)
        .bbox(Rect::new(scaled(around.x_min), scaled(around.y_min), scaled(around.x_max), scaled(around.y_max)))
        .italic_angle(0.0)
        .ascent(scaled(font.ascender()))
        .descent(scaled(font.descender()))
        .cap_height(scaled(font.capital_height().unwrap_or_else(|| font.ascender())))
        // The format asks for it and no reader uses it when the font is embedded.
        .stem_v(if font.is_bold() { 140.0 } else { 90.0 })
        .font_file2(refs.program);
}

/// Writes a stream, packed.
fn pack(id: Ref, bytes: &[u8], chunk: &mut Chunk) {
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(bytes, DEFLATE_LEVEL);
    let mut stream = chunk.stream(id, &packed);
    stream.filter(Filter::FlateDecode);
    if let Ok(length) = i32::try_from(bytes.len()) {
        stream.pair(Name(b"Length1"), length); // required of font programs, harmless elsewhere
    }
    stream.finish();
}
