//! The server's end of `control.sock`.
//!
//! Whoever binds holds the store's lock, so a socket that is there already was left by a server that was killed,
//! and is replaced. Between `bind` and `chmod` another user could connect: so every peer is asked who he is.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::{Control, Line, Report, Request, VERSION};

/// A request is one path at most.
const REQUEST_BYTES_MAX: usize = 16 * 1024;
/// At once; one more is refused.
const CONNECTIONS_MAX: usize = 8;
/// For a request to come, and for a line to go.
const LINE_WITHIN: Duration = Duration::from_secs(10);
/// How often a command that takes long says that it does.
const WORKING_EVERY: Duration = Duration::from_secs(5);
/// After `accept` failed: out of descriptors, it would only spin.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// Of a socket's path, by the kernel.
const PATH_BYTES_MAX: usize = 107;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("`{}` is longer than the {PATH_BYTES_MAX} bytes that a socket's path may have; shorten store.path", .0.display())]
    Long(PathBuf),
    #[error("`{}` cannot be made: {source}", path.display())]
    Unmakeable { path: PathBuf, source: io::Error },
}

/// The socket, as long as it is served.
#[derive(Debug)]
pub struct Served {
    path: PathBuf,
    accepting: JoinHandle<()>,
}

/// Serves a control on a socket at `path`. Called on a thread with a `LocalSet` or an actix system, by the
/// process that holds the store's lock.
pub fn serve(path: &Path, control: Arc<Control>) -> Result<Served, SocketError> {
    if path.as_os_str().len() > PATH_BYTES_MAX {
        return Err(SocketError::Long(path.to_owned()));
    }
    let (listener, owner) = bind(path).map_err(|source| SocketError::Unmakeable { path: path.to_owned(), source })?;
    let accepting = actix_web::rt::spawn(accept(listener, owner, control));
    Ok(Served { path: path.to_owned(), accepting })
}

impl Served {
    /// Takes no more commands. The socket goes; whoever comes now opens the store.
    pub fn stop(&self) {
        self.accepting.abort();
        if let Err(fault) = std::fs::remove_file(&self.path)
            && fault.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("`{}` cannot be removed: {fault}", self.path.display());
        }
    }
}

fn bind(path: &Path) -> io::Result<(UnixListener, u32)> {
    match std::fs::remove_file(path) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok((listener, std::fs::metadata(path)?.uid()))
}

async fn accept(listener: UnixListener, owner: u32, control: Arc<Control>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let mut stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(fault) => {
                tracing::warn!("control.sock takes no connection: {fault}");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let stranger = !stream.peer_cred().is_ok_and(|peer| peer.uid() == owner || peer.uid() == 0);
        let place = Arc::clone(&places).try_acquire_owned().ok().filter(|_| !stranger);
        let control = Arc::clone(&control);
        match place {
            Some(place) => {
                actix_web::rt::spawn(async move {
                    answer(&mut stream, &control).await;
                    drop(place);
                });
            }
            // A line fits into the socket's buffer: this does not wait for the peer.
            None if stranger => drop(say(&mut stream, &refused("only the server's own user and root may ask")).await),
            None => drop(say(&mut stream, &refused("too many commands at once; try again")).await),
        }
    }
}

fn refused(reason: impl Into<String>) -> Line {
    Line::Refused { reason: reason.into() }
}

/// A peer that goes away, or takes no lines, is left alone; what its command does is done.
async fn answer(stream: &mut UnixStream, control: &Control) {
    let request = match tokio::time::timeout(LINE_WITHIN, read(stream)).await {
        Ok(Ok(line)) => line,
        Ok(Err(_)) => return,
        Err(_) => return drop(say(stream, &refused("no request came")).await),
    };
    let command = match parse(&request) {
        Ok(request) => request.command,
        Err(reason) => return drop(say(stream, &refused(reason)).await),
    };
    let work = control.perform(command);
    tokio::pin!(work);
    let mut seconds = 0;
    let outcome = loop {
        if let Ok(outcome) = tokio::time::timeout(WORKING_EVERY, &mut work).await {
            break outcome;
        }
        seconds += WORKING_EVERY.as_secs();
        // Nobody may listen any more; the command is finished all the same.
        let _gone = say(stream, &Line::Working { seconds }).await;
    };
    let lines = match outcome {
        Ok(Report { items, said, good }) => {
            items.into_iter().map(Line::Item).chain([Line::Done { said, good }]).collect()
        }
        Err(error) => vec![refused(error.to_string())],
    };
    for line in &lines {
        if say(stream, line).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut chunk = [0; 1_024];
    while line.len() <= REQUEST_BYTES_MAX {
        let read = stream.read(&mut chunk).await?;
        line.extend_from_slice(&chunk[..read]);
        if read == 0 || line.contains(&b'\n') {
            break;
        }
    }
    Ok(line)
}

fn parse(bytes: &[u8]) -> Result<Request, String> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n').filter(|end| *end <= REQUEST_BYTES_MAX) else {
        return Err(format!("a request is one line of at most {REQUEST_BYTES_MAX} bytes"));
    };
    let value: serde_json::Value =
        serde_json::from_slice(&bytes[..end]).map_err(|fault| format!("the request is not json: {fault}"))?;
    // The version first: what a later one asks for may have another shape.
    match value.get("v").and_then(serde_json::Value::as_u64) {
        Some(version) if version == u64::from(VERSION) => {}
        Some(version) => return Err(format!("the request has version {version}, this server speaks {VERSION}")),
        None => return Err("the request names no version".to_owned()),
    }
    serde_json::from_value(value).map_err(|fault| format!("the request is not known: {fault}"))
}

async fn say(stream: &mut UnixStream, line: &Line) -> io::Result<()> {
    tokio::time::timeout(LINE_WITHIN, stream.write_all(&line.to_bytes()))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
