//! The command line's end of `control.sock`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Command, Line, Request, Said, VERSION};

/// A server that works says so more often than this.
const LINE_WITHIN: Duration = Duration::from_secs(60);
/// A line is one letter or one report.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// The other end has closed.
const GONE: [io::ErrorKind; 3] =
    [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset, io::ErrorKind::NotConnected];

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The store may be opened.
    #[error("no server runs on this store")]
    Stopped,
    #[error("`{}`: {source}", path.display())]
    Broken { path: PathBuf, source: io::Error },
    #[error("`{}` gave no whole answer", .0.display())]
    Cut(PathBuf),
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Done { said: Said, good: bool },
    Refused { reason: String },
}

/// Has a running server do a command; `heard` gets the items of the answer as they come.
pub fn ask(path: &Path, command: Command, heard: &mut dyn FnMut(Said)) -> Result<End, ClientError> {
    let broken = |source| ClientError::Broken { path: path.to_owned(), source };
    let mut stream = UnixStream::connect(path).map_err(|fault| {
        // The last: a path that is too long for a socket, so no server has one there.
        let nobody = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused, io::ErrorKind::InvalidInput];
        if nobody.contains(&fault.kind()) { ClientError::Stopped } else { broken(fault) }
    })?;
    stream.set_read_timeout(Some(LINE_WITHIN)).map_err(broken)?;
    stream.set_write_timeout(Some(LINE_WITHIN)).map_err(broken)?;
    let request = serde_json::to_vec(&Request { v: VERSION, command }).map_err(|fault| broken(fault.into()))?;
    let sent = stream.write_all(&request).and_then(|()| stream.write_all(b"\n"));
    match sent.and_then(|()| stream.shutdown(Shutdown::Write)) {
        // A server that has too much to do says so and leaves: what it said is there to be read.
        Err(fault) if GONE.contains(&fault.kind()) => {}
        outcome => outcome.map_err(broken)?,
    }
    let mut lines = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        let read = lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(broken)?;
        if read == 0 {
            return Err(ClientError::Cut(path.to_owned()));
        }
        match serde_json::from_slice(&line).map_err(|_| ClientError::Cut(path.to_owned()))? {
            Line::Working { .. } => {}
            Line::Item(said) => heard(said),
            Line::Done { said, good } => return Ok(End::Done { said, good }),
            Line::Refused { reason } => return Ok(End::Refused { reason }),
        }
    }
}
