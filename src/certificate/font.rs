//! A typeface made ready once: cut down to the letters that a certificate can hold, packed, measured.
//!
//! Cutting and packing a font costs milliseconds, so it happens at start and never per document: a document only
//! takes a copy of the finished bytes. Glyphs are addressed as CIDs of a Type 0 font (`Identity-H`), two bytes
//! each, and a `ToUnicode` map gives every one its character back, so that text can be selected and read aloud.
//!
//! What does not belong here: where text stands on the page (`sheet`, `page`).

use std::sync::OnceLock;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Chunk, Filter, Finish, Name, Rect, Ref, Str};
use subsetter::GlyphRemapper;
use ttf_parser::gpos::{PairAdjustment, PositioningSubtable};
use ttf_parser::{GlyphId, Tag};

use super::CertificateError;

/// How hard a packed stream is packed: it happens once, and every certificate is the smaller for it.
const DEFLATE_LEVEL: u8 = 10;

const SYSTEM_INFO: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// One prepared face.
pub(super) struct Face {
    /// By character.
    letters: Vec<Letter>,
    /// Pair adjustments of the font's `kern` feature, in the order they apply: what each lookup says is added up.
    kerning: Vec<Vec<PairAdjustment<'static>>>,
    /// What they say of a letter and each that may follow it, in the order of `letters`; units of the font. Told
    /// when the letter is first met: to ask the font each time took a tenth of a certificate's time.
    kerned: Vec<OnceLock<Box<[i16]>>>,
    /// Thousandths of an em in one unit of the font.
    thousandths: f32,
}

/// A character that the cut face can print.
struct Letter {
    character: char,
    /// In the whole font, whose kerning is used.
    glyph: GlyphId,
    /// In the cut one.
    cid: u16,
    /// Thousandths of an em, as the document states it: what is computed here is what is shown.
    width: f32,
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
        let thousandths = 1_000.0 / f32::from(font.units_per_em());
        let width = |glyph| (f32::from(font.glyph_hor_advance(glyph).unwrap_or_default()) * thousandths).round();
        let mut cids = GlyphRemapper::new();
        let mut map = UnicodeCmap::<u16>::new(Name(b"siaga-unicode"), SYSTEM_INFO);
        let mut widths = vec![width(GlyphId(0))];
        let mut prepared: Vec<Letter> = Vec::new();
        for character in letters {
            let glyph = font.glyph_index(character).ok_or(CertificateError::Letter)?;
            let met = cids.get(glyph.0);
            let cid = met.unwrap_or_else(|| cids.remap(glyph.0));
            if met.is_none() {
                // Of two characters with one glyph the first, the more usual one, is what is read back.
                map.pair(cid, character);
                widths.push(width(glyph));
            }
            prepared.push(Letter { character, glyph, cid, width: width(glyph) });
        }
        prepared.sort_unstable_by_key(|letter| letter.character);
        let program = subsetter::subset(data, 0, &cids).map_err(|e| CertificateError::Font(e.to_string()))?;
        write_type0(refs, post_script, chunk);
        write_cid_font(refs, post_script, widths.into_iter(), chunk);
        write_descriptor(refs, post_script, &font, thousandths, chunk);
        pack(refs.program, &program, chunk);
        pack(refs.to_unicode, map.finish().as_slice(), chunk);
        let kerned = prepared.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { letters: prepared, kerning: kerning(&font), kerned, thousandths })
    }

    /// Puts text into glyphs. Fails on a character that the cut face does not have.
    pub(super) fn shape(&self, text: &str) -> Result<Run, CertificateError> {
        let mut run = Run { glyphs: Vec::with_capacity(text.len()), advance: 0.0 };
        let mut before: Option<usize> = None;
        for character in text.chars() {
            let at = self.find(character).ok_or(CertificateError::Letter)?;
            let letter = &self.letters[at];
            let nearer = before.map_or(0.0, |left| -f32::from(self.kern(left, at)) * self.thousandths);
            run.advance += letter.width - nearer;
            run.glyphs.push((letter.cid, nearer));
            before = Some(at);
        }
        Ok(run)
    }

    /// Whether the cut face can print this character.
    pub(super) fn covers(&self, character: char) -> bool {
        self.find(character).is_some()
    }

    /// Where a character stands in `letters`.
    fn find(&self, character: char) -> Option<usize> {
        self.letters.binary_search_by_key(&character, |letter| letter.character).ok()
    }

    /// By how much two letters move apart (negative: together), in units of the font.
    fn kern(&self, left: usize, right: usize) -> i16 {
        let row = self.kerned[left].get_or_init(|| {
            let glyph = self.letters[left].glyph;
            let apart = |right: GlyphId| self.kerning.iter().map(|tables| kern_of(tables, glyph, right)).sum();
            self.letters.iter().map(|right| apart(right.glyph)).collect()
        });
        row[right]
    }
}

impl Run {
    /// Points from start to end when set in `size` points.
    pub(super) fn width(&self, size: f32) -> f32 {
        self.advance * size / 1_000.0
    }
}

/// The pair adjustments of the `kern` feature, a list for each of its lookups.
fn kerning(font: &ttf_parser::Face<'static>) -> Vec<Vec<PairAdjustment<'static>>> {
    let Some(gpos) = font.tables().gpos else { return Vec::new() };
    let mut indices: Vec<u16> = gpos
        .features
        .into_iter()
        .filter(|feature| feature.tag == Tag::from_bytes(b"kern"))
        .flat_map(|feature| feature.lookup_indices.into_iter())
        .collect();
    indices.sort_unstable();
    indices.dedup();
    // The feature adjusts pairs; what else a font may hang on it is not kerning.
    let pairs = |table| if let PositioningSubtable::Pair(pairs) = table { Some(pairs) } else { None };
    let lookups = indices.into_iter().filter_map(|index| gpos.lookups.get(index));
    lookups.map(|lookup| lookup.subtables.into_iter().filter_map(pairs).collect()).collect()
}

/// What one lookup says of a pair: the first of its tables that knows the pair decides.
fn kern_of(tables: &[PairAdjustment<'static>], left: GlyphId, right: GlyphId) -> i16 {
    for pairs in tables {
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
