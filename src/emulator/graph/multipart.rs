//! `multipart/form-data` (RFC 7578) of a small upload held in memory: names, types, bytes.

/// One part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) name: String,
    pub(super) mime_type: Option<String>,
    pub(super) bytes: &'a [u8],
}

/// Parts that a form may have.
const PARTS_MAX: usize = 10;

/// The parts of a body, `None` when it is no form or has too many parts.
pub(super) fn parts<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let (kind, parameters) = content_type.split_once(';')?;
    let boundary = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="))?;
    let boundary = boundary.trim_matches('"');
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") || boundary.is_empty() {
        return None;
    }
    // The first delimiter has no line break before it, unless there is a preamble, which nobody sends.
    let first = format!("--{boundary}");
    let between = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(first.as_bytes())?;
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let end = find(rest, between.as_bytes())?;
        parts.push(part(rest.get(..end)?)?);
        if parts.len() > PARTS_MAX {
            return None;
        }
        rest = rest.get(end + between.len()..)?;
    }
}

fn part(bytes: &[u8]) -> Option<Part<'_>> {
    let end = find(bytes, b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let (mut name, mut mime_type) = (None, None);
    for line in head.split("\r\n") {
        let (header, value) = line.split_once(':')?;
        if header.eq_ignore_ascii_case("content-type") {
            mime_type = Some(value.trim().to_owned());
        } else if header.eq_ignore_ascii_case("content-disposition") {
            let quoted = value.split(';').find_map(|field| field.trim().strip_prefix("name="))?;
            name = Some(quoted.trim_matches('"').to_owned());
        }
    }
    Some(Part { name: name?, mime_type, bytes: bytes.get(end + 4..)? })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(offset) = haystack.get(from..)?.iter().position(|byte| Some(byte) == needle.first()) {
        from += offset;
        if haystack.get(from..)?.starts_with(needle) {
            return Some(from);
        }
        from += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_taken_apart_byte_for_byte() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n--x\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n\
            %PDF\r\n--y\r\n\0\r\n--x--\r\n";
        let parts = parts("multipart/form-data; boundary=x", body).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!((parts[0].name.as_str(), parts[0].bytes), ("messaging_product", &b"whatsapp"[..]));
        assert_eq!(parts[1].mime_type.as_deref(), Some("application/pdf"));
        assert_eq!(parts[1].bytes, b"%PDF\r\n--y\r\n\0");
    }

    #[test]
    fn what_is_no_form_is_none() {
        for (content_type, body) in [
            ("application/json", &b"{}"[..]),
            ("multipart/form-data", b"--x--"),
            ("multipart/form-data; boundary=x", b""),
            ("multipart/form-data; boundary=x", b"--x\r\nno end"),
            ("multipart/form-data; boundary=x", b"--x\r\n\r\n\r\n--x"),
        ] {
            assert_eq!(parts(content_type, body), None, "{content_type}");
        }
    }
}
