//! A reader of the documents that are written here, independent of how they are written: it finds streams,
//! inflates them, and follows the text operators with the widths and the `ToUnicode` maps of the file.

use std::collections::HashMap;

/// A run of text as a reader of the file sees it.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) size: f32,
    /// Where its last visible glyph ends.
    pub(super) end: f32,
}

pub(super) struct Document {
    pub(super) streams: Vec<Vec<u8>>,
    pub(super) shown: Vec<Shown>,
    /// Pieces of marked content that have an id.
    pub(super) marked: usize,
}

#[derive(Debug)]
enum Token {
    Text(Vec<u8>),
    Number(f32),
    Word(String),
}

pub(super) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

impl Document {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let streams = streams(bytes);
        let maps: Vec<HashMap<u16, char>> =
            streams.iter().filter(|s| contains(s, b"beginbfchar")).map(|s| to_unicode(s)).collect();
        let content = streams.iter().find(|s| contains(s, b" TJ") || contains(s, b"]TJ")).expect("a page");
        let widths = widths(bytes);
        assert_eq!((maps.len(), widths.len()), (2, 2), "two faces");
        let shown = follow(&tokens(content), &maps, &widths);
        let marked = content.windows(4).filter(|window| window == b"MCID").count();
        Self { streams, shown, marked }
    }

    pub(super) fn texts(&self) -> Vec<&str> {
        self.shown.iter().map(|run| run.text.as_str()).collect()
    }
}

/// All streams, inflated.
fn streams(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = position(&bytes[at..], b"stream\n").map(|p| at + p + 7) {
        let end = start + position(&bytes[start..], b"\nendstream").expect("an end");
        found.push(miniz_oxide::inflate::decompress_to_vec_zlib(&bytes[start..end]).expect("a packed stream"));
        at = end + 10;
    }
    found
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// `<0001> <0041>` lines.
fn to_unicode(map: &[u8]) -> HashMap<u16, char> {
    let text = String::from_utf8_lossy(map);
    let hex = |part: &str| u16::from_str_radix(part, 16).expect("hexadecimal");
    text.lines()
        .filter_map(|line| line.strip_prefix('<')?.strip_suffix('>')?.split_once("> <"))
        .filter(|(_, to)| to.len() == 4 && *to != "FFFF")
        .map(|(from, to)| (hex(from), char::from_u32(u32::from(hex(to))).expect("a character")))
        .collect()
}

/// The `/W [0 [...]]` of both fonts.
fn widths(bytes: &[u8]) -> Vec<Vec<f32>> {
    let text = String::from_utf8_lossy(bytes);
    text.match_indices("/W[0[")
        .map(|(at, start)| {
            let rest = &text[at + start.len()..];
            rest[..rest.find(']').expect("an end")].split_whitespace().map(|w| w.parse().expect("a width")).collect()
        })
        .collect()
}

fn tokens(content: &[u8]) -> Vec<Token> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < content.len() {
        match content[at] {
            b'(' => {
                let mut text = Vec::new();
                let mut depth = 1;
                at += 1;
                while depth > 0 {
                    match content[at] {
                        b'\\' => {
                            at += 1;
                            text.push(match content[at] {
                                b'n' => b'\n',
                                b'r' => b'\r',
                                b't' => b'\t',
                                b'b' => 8,
                                b'f' => 12,
                                b'0'..=b'7' => {
                                    let octal = std::str::from_utf8(&content[at..at + 3]).expect("ascii");
                                    at += 2;
                                    u8::from_str_radix(octal, 8).expect("octal")
                                }
                                other => other,
                            });
                        }
                        b'(' => {
                            depth += 1;
                            text.push(b'(');
                        }
                        b')' => {
                            depth -= 1;
                            if depth > 0 {
                                text.push(b')');
                            }
                        }
                        other => text.push(other),
                    }
                    at += 1;
                }
                found.push(Token::Text(text));
            }
            b'<' if content[at + 1] == b'<' => at += 2,
            b'<' => {
                let end = at + position(&content[at..], b">").expect("an end");
                let hex = &content[at + 1..end];
                let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ascii"), 16);
                found.push(Token::Text(hex.chunks(2).map(|pair| byte(pair).expect("hexadecimal")).collect()));
                at = end + 1;
            }
            byte if byte.is_ascii_whitespace() || b"[]<>".contains(&byte) => at += 1,
            _ => {
                let length = content[at + 1..]
                    .iter()
                    .position(|b| b.is_ascii_whitespace() || b"[]<>(/".contains(b))
                    .unwrap_or(content.len() - at - 1);
                let word = String::from_utf8_lossy(&content[at..=at + length]).into_owned();
                found.push(word.parse().map_or(Token::Word(word), Token::Number));
                at += length + 1;
            }
        }
    }
    found
}

/// Follows the text operators.
fn follow(tokens: &[Token], maps: &[HashMap<u16, char>], widths: &[Vec<f32>]) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let (mut face, mut size, mut spacing, mut x, mut y) = (0, 0.0, 0.0, 0.0, 0.0);
    let mut numbers: Vec<f32> = Vec::new();
    let mut pieces: Vec<&Token> = Vec::new();
    for token in tokens {
        match token {
            Token::Number(number) => {
                numbers.push(*number);
                pieces.push(token);
            }
            Token::Text(_) => pieces.push(token),
            Token::Word(word) => {
                match word.as_str() {
                    "/R" => face = 0,
                    "/B" => face = 1,
                    "Tf" => size = numbers[0],
                    "Tc" => spacing = numbers[0],
                    "Td" => (x, y) = (numbers[0], numbers[1]),
                    "TJ" => {
                        let mut text = String::new();
                        let (mut pen, mut end) = (x, x);
                        for piece in &pieces {
                            match piece {
                                Token::Number(nearer) => pen -= nearer * size / 1_000.0,
                                Token::Text(bytes) => {
                                    for pair in bytes.chunks(2) {
                                        let cid = u16::from_be_bytes([pair[0], pair[1]]);
                                        pen += widths[face][usize::from(cid)] * size / 1_000.0;
                                        text.push(maps[face][&cid]);
                                        end = if text.ends_with(' ') { end } else { pen };
                                        pen += spacing;
                                    }
                                }
                                Token::Word(_) => {}
                            }
                        }
                        shown.push(Shown { text, x, y, size, end });
                    }
                    _ => {}
                }
                numbers.clear();
                pieces.clear();
            }
        }
    }
    shown
}
