//! The ring of keys that sign and verify certificates (`certificate.key_file`): PEM, for its owner only.
//!
//! A `credential:NAME` of systemd, as for the store's key, is read and never written.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::key_file::{self, KeyFileError};
use crate::certificate::hcert::{KeyFault, SigningKeys};

/// Why there is no ring. Never shows what is in the file.
#[derive(Debug, thiserror::Error)]
pub enum SigningFileError {
    #[error(transparent)]
    File(#[from] KeyFileError),
    #[error("{}: {fault}", path.display())]
    Ring { path: PathBuf, fault: KeyFault },
    #[error("{}: is there already; --ahead puts the new key in front of those in it", path.display())]
    Exists { path: PathBuf },
    #[error("{}: is systemd's to make, not ours", path.display())]
    Credential { path: PathBuf },
}

/// Reads a ring that must be there.
pub fn load(setting: &Path) -> Result<SigningKeys, SigningFileError> {
    let ring = text(setting)?;
    SigningKeys::read(&ring).map_err(|fault| SigningFileError::Ring { path: setting.to_owned(), fault })
}

/// Reads a ring, or makes one with a new key where there is none.
pub fn load_or_make(path: &Path) -> Result<SigningKeys, SigningFileError> {
    if path.exists() || key_file::credential(path).is_some() { load(path) } else { make(path, false) }
}

/// Makes a key. `ahead`: in front of a ring that is there, so that it signs from the next start on and the old
/// ones go on verifying.
pub fn make(path: &Path, ahead: bool) -> Result<SigningKeys, SigningFileError> {
    if key_file::credential(path).is_some() {
        return Err(SigningFileError::Credential { path: path.to_owned() });
    }
    let older = match path.exists() {
        true if !ahead => return Err(SigningFileError::Exists { path: path.to_owned() }),
        true => {
            load(path)?;
            text(path)?
        }
        false => Zeroizing::new(String::new()),
    };
    // One number in four billion is no key.
    let key = loop {
        if let Some(key) = SigningKeys::make(&*key_file::random()?) {
            break key;
        }
    };
    let ring = Zeroizing::new(format!("{}{}", *key, *older));
    key_file::make(path, ring.as_bytes())
        .map_err(|source| KeyFileError::Unmakeable { path: path.to_owned(), source })?;
    load(path)
}

fn text(setting: &Path) -> Result<Zeroizing<String>, SigningFileError> {
    let bytes = key_file::secret(setting, std::env::var_os(key_file::CREDENTIALS).as_deref())?;
    // PEM is ASCII; what is not becomes a block that cannot be read, and is told so.
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::certificate::hcert::Signer as _;

    #[test]
    fn a_ring_is_made_once_and_a_new_key_goes_in_front() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("below/signing.pem");
        let first = load_or_make(&path).expect("made").key_id();
        assert_eq!(load_or_make(&path).expect("read").key_id(), first);
        assert!(matches!(make(&path, false), Err(SigningFileError::Exists { .. })));
        let both = make(&path, true).expect("made");
        assert!(both.key_id() != first && both.public().knows(first));
        let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("its mode");
        let open = load(&path).map(|_| ()).map_err(|error| error.to_string());
        assert!(open.is_err_and(|error| error.contains("0600")));
    }

    #[test]
    fn a_file_that_is_no_ring_is_named_with_the_reason() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("signing.pem");
        key_file::make(&path, b"not a key").expect("a file");
        let error = load(&path).map(|_| ()).expect_err("no ring").to_string();
        assert!(error.contains("signing.pem: there is no PRIVATE KEY in it"), "{error}");
        assert!(matches!(make(Path::new("credential:x"), true), Err(SigningFileError::Credential { .. })));
    }
}
