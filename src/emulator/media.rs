//! Uploaded files and the short-lived addresses under which they can be fetched (cloud-api.md 4.11).

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use actix_web::web::Bytes;

use super::ids;
use super::world::lock;
use crate::domain::time::{MINUTE_MS, Timestamp};

/// A file's address lives this long.
const URL_LIFE_MS: i64 = 5 * MINUTE_MS;
/// Addresses given out; then the oldest stops working.
const URLS_MAX: usize = 1_000;

/// Largest file of each kind, by the first part of its type.
const LIMITS: [(&str, &[&str], usize); 5] = [
    ("image", &["image/jpeg", "image/png"], 5 * 1024 * 1024),
    ("audio", &["audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg", "audio/opus"], 16 * 1024 * 1024),
    ("video", &["video/mp4", "video/3gp", "video/3gpp"], 16 * 1024 * 1024),
    ("sticker", &["image/webp"], 500 * 1024),
    (
        "document",
        &[
            "application/pdf",
            "text/plain",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ],
        100 * 1024 * 1024,
    ),
];

/// A file as it was uploaded.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    pub mime_type: String,
    pub bytes: Bytes,
}

/// All files, and the addresses given out.
pub(super) struct Media {
    bytes_max: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    files: HashMap<String, File>,
    order: VecDeque<String>,
    bytes: usize,
    urls: HashMap<String, (String, Timestamp)>,
    urls_order: VecDeque<String>,
}

impl Media {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, shelf: Mutex::default() }
    }

    /// Keeps a file; the oldest make room for it. Gives its id.
    pub(super) fn keep(&self, file: File) -> String {
        let id = ids::media_id();
        let mut shelf = lock(&self.shelf);
        shelf.bytes += file.bytes.len();
        shelf.files.insert(id.clone(), file);
        shelf.order.push_back(id.clone());
        while shelf.bytes > self.bytes_max && shelf.order.len() > 1 {
            if let Some(oldest) = shelf.order.pop_front() {
                shelf.remove(&oldest);
            }
        }
        id
    }

    pub(super) fn file(&self, id: &str) -> Option<File> {
        lock(&self.shelf).files.get(id).cloned()
    }

    pub(super) fn delete(&self, id: &str) -> bool {
        let mut shelf = lock(&self.shelf);
        shelf.order.retain(|kept| kept != id);
        shelf.remove(id)
    }

    /// A new address of a file: the last part of a path, good for five minutes.
    pub(super) fn lend(&self, id: &str, now: Timestamp) -> String {
        let token = ids::token();
        let mut shelf = lock(&self.shelf);
        shelf.urls.insert(token.clone(), (id.to_owned(), now.plus_ms(URL_LIFE_MS)));
        shelf.urls_order.push_back(token.clone());
        if shelf.urls_order.len() > URLS_MAX
            && let Some(oldest) = shelf.urls_order.pop_front()
        {
            shelf.urls.remove(&oldest);
        }
        token
    }

    /// The file behind an address that is still good.
    pub(super) fn lent(&self, token: &str, now: Timestamp) -> Option<File> {
        let shelf = lock(&self.shelf);
        let (id, until) = shelf.urls.get(token)?;
        if now < *until { shelf.files.get(id).cloned() } else { None }
    }
}

impl Shelf {
    fn remove(&mut self, id: &str) -> bool {
        let Some(file) = self.files.remove(id) else { return false };
        self.bytes = self.bytes.saturating_sub(file.bytes.len());
        true
    }
}

/// Whether files of a type may be sent as `kind` (`image`, `audio`, `video`, `sticker`, `document`).
pub(super) fn fits(kind: &str, mime_type: &str) -> bool {
    let bare = mime_type.split(';').next().unwrap_or_default().trim();
    LIMITS.iter().any(|(name, types, _)| *name == kind && types.contains(&bare))
}

/// The largest size of a type over all kinds; `None` when the type is not taken at all.
pub(super) fn size_max(mime_type: &str) -> Option<usize> {
    LIMITS.iter().filter(|(kind, ..)| fits(kind, mime_type)).map(|(.., bytes_max)| *bytes_max).max()
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "File({}, {} bytes)", self.mime_type, self.bytes.len())
    }
}
