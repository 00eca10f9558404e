//! The code as a picture: a QR at level Q, as small as its text allows, one bit a module.

use fast_qr::{ECL, Mode, QRBuilder};

use super::CertificateError;

/// Modules row by row, packed as a PDF's 1-bit image wants them: a row starts at a byte, white is 1.
pub(super) struct Modules {
    /// Modules on a side.
    pub(super) side: usize,
    pub(super) rows: Vec<u8>,
}

/// Draws a text of the 45 letters that a QR holds compactly.
pub(super) fn modules(text: &str) -> Result<Modules, CertificateError> {
    let fits =
        text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" $%*+-./:".contains(&byte));
    if !fits {
        return Err(CertificateError::Code("it has letters that no compact QR holds"));
    }
    // The version is not said, so it is the smallest that holds the text.
    let code = QRBuilder::new(text).ecl(ECL::Q).mode(Mode::Alphanumeric).build();
    let code = code.map_err(|_| CertificateError::Code("it is longer than a QR can hold"))?;
    let mut rows = Vec::with_capacity(code.size * code.size.div_ceil(8));
    for row in 0..code.size {
        for eight in code[row].chunks(8) {
            let dark =
                eight.iter().enumerate().fold(0, |byte, (at, module)| byte | u8::from(module.value()) << (7 - at));
            rows.push(!dark);
        }
    }
    Ok(Modules { side: code.size, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_smallest_that_level_q_allows() {
        // Letters at level Q (ISO/IEC 18004, table 7): version 15 holds 426, version 16 470, version 17 531.
        for (letters, version) in [(426, 15), (427, 16), (470, 16), (471, 17), (531, 17), (532, 18)] {
            let side = modules(&"A".repeat(letters)).map(|modules| modules.side);
            assert_eq!(side.ok(), Some(17 + 4 * version), "{letters} letters");
        }
        assert!(modules("a").is_err() && modules(&"A".repeat(4_297)).is_err());
    }

    #[test]
    fn the_finder_pattern_stands_in_three_corners() {
        let Modules { side, rows } = modules(&"HC1:".repeat(100)).expect("a code");
        let bytes = side.div_ceil(8);
        let dark = |x: usize, y: usize| rows[y * bytes + x / 8] >> (7 - x % 8) & 1 == 0;
        for (left, top) in [(0, 0), (side - 7, 0), (0, side - 7)] {
            for at in 0..7 {
                assert!(dark(left + at, top) && dark(left, top + at) && dark(left + at, top + 6));
            }
            assert!(!dark(left + 1, top + 1) && dark(left + 3, top + 3));
        }
        // What lies beyond the last column is dark paint that nobody sees, or white: it is never read.
        assert_eq!(rows.len(), side * bytes);
    }
}
