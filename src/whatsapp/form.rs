//! A form with one file, as `multipart/form-data` (RFC 7578).

use hyper::body::Bytes;
use sha2::{Digest as _, Sha256};

/// A form's content type and its bytes. `file_name` is ours and holds no quotes or line breaks: others are left out.
pub(super) fn with_file(fields: &[(&str, &str)], file_name: &str, file_type: &str, file: &[u8]) -> (String, Bytes) {
    // Nothing can hold its own hash.
    let boundary = format!("{:x}", u128::from_be_bytes(first_16(&Sha256::digest(file))));
    let mut body = Vec::with_capacity(file.len() + 1_024);
    for (name, value) in fields {
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(head.as_bytes());
    }
    let file_name: String = file_name.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).collect();
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\
         Content-Type: {file_type}\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body.into())
}

fn first_16(hash: &[u8]) -> [u8; 16] {
    let mut first = [0; 16];
    first.copy_from_slice(&hash[..16]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_what_the_rfc_says_and_its_name_cannot_break_out() {
        let (content_type, body) = with_file(&[("type", "a/b")], "x\"\r\ny.pdf", "a/b", b"%PDF \xff");
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        let expected = [
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\na/b\r\n").as_bytes(),
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"xy.pdf\"\r\n")
                .as_bytes(),
            b"Content-Type: a/b\r\n\r\n%PDF \xff\r\n",
            format!("--{boundary}--\r\n").as_bytes(),
        ]
        .concat();
        assert_eq!(body, expected);
    }
}
