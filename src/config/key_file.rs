//! The key file: 32 random bytes, for its owner only (`store.key_file`).
//!
//! `credential:NAME` is the credential NAME of the systemd unit (`LoadCredential=`, `LoadCredentialEncrypted=`):
//! a file that systemd puts into a directory of the service's own and takes away when it stops, so that the key
//! rests on no disk in the clear. systemd gives the service its right to read by an access list, which shows as
//! a right of the group; others still must have none.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
/// Where systemd says that the unit's credentials are.
pub(super) const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
const CREDENTIAL: &str = "credential:";
/// Who else may have which rights at a file of ours, and at one of systemd's.
const OTHERS: u32 = 0o077;
const OTHERS_OF_CREDENTIAL: u32 = 0o037;

/// Why there is no key. Never shows what is in the file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{}: has {bytes} bytes; a key file has exactly 32", path.display())]
    WrongSize { path: PathBuf, bytes: usize },
    #[error("{}: has mode {mode:04o}; others can read it, it must be 0600", path.display())]
    Open { path: PathBuf, mode: u32 },
    #[error("{}: cannot be made: {source}", path.display())]
    Unmakeable { path: PathBuf, source: io::Error },
    #[error("credential:{name}: {CREDENTIALS} is not set; the unit needs LoadCredential={name}:FILE")]
    NoCredentials { name: String },
    #[error("credential:{name}: is no name of a credential; it has no `/` and is not empty")]
    CredentialName { name: String },
    #[error("the system gives no random bytes for a key")]
    NoRandomness,
}

/// Reads the key that a setting names and that must be there.
pub fn load(setting: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyFileError> {
    load_with(setting, std::env::var_os(CREDENTIALS).as_deref())
}

/// The same with the credentials in a given directory.
pub fn load_with(setting: &Path, credentials: Option<&OsStr>) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyFileError> {
    let bytes = secret(setting, credentials)?;
    let key = bytes.as_slice().try_into();
    key.map(Zeroizing::new).map_err(|_| KeyFileError::WrongSize { path: setting.to_owned(), bytes: bytes.len() })
}

/// What is in the file, of whatever length, that a setting names.
pub(super) fn secret(setting: &Path, credentials: Option<&OsStr>) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    match credential(setting) {
        None => read(setting, OTHERS),
        Some(name) if name.is_empty() || name.contains('/') || name == ".." => {
            Err(KeyFileError::CredentialName { name: name.to_owned() })
        }
        Some(name) => {
            let directory = credentials.ok_or_else(|| KeyFileError::NoCredentials { name: name.to_owned() })?;
            read(&Path::new(directory).join(name), OTHERS_OF_CREDENTIAL)
        }
    }
}

pub(super) fn credential(setting: &Path) -> Option<&str> {
    setting.to_str()?.strip_prefix(CREDENTIAL)
}

fn read(path: &Path, others: u32) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let unreadable = |source| KeyFileError::Unreadable { path: path.to_owned(), source };
    let bytes = Zeroizing::new(fs::read(path).map_err(unreadable)?);
    let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & others != 0 {
        return Err(KeyFileError::Open { path: path.to_owned(), mode });
    }
    Ok(bytes)
}

/// Reads a key file, or makes one where there is none; a credential is systemd's to make. Made whole and synced
/// under another name first, so that a crash leaves either no key or a good one.
pub fn load_or_make(path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyFileError> {
    if path.exists() || credential(path).is_some() {
        return load(path);
    }
    make(path, random()?.as_ref()).map_err(|source| KeyFileError::Unmakeable { path: path.to_owned(), source })?;
    load(path)
}

pub(super) fn random() -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyFileError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    SysRng.try_fill_bytes(key.as_mut()).map_err(|_| KeyFileError::NoRandomness)?;
    Ok(key)
}

/// Puts a file in its place, whole, for its owner only.
pub(super) fn make(path: &Path, key: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let unfinished = path.with_extension("unfinished");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(key)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}
