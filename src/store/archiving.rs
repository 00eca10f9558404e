//! Archives while serving: asked for from anywhere, written by the applier between two windows.
//!
//! What was durable when it was asked for is in it: the applier brings all of that into the table first. A failure
//! here is the operator's, not the store's: his file may be on any disk.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::oneshot;

use super::applier::Applier;
use super::archive::{self, ArchiveError, Exported, Source};
use super::shared::Shared;
use crate::ports::Lsn;

/// An archive that somebody waits for.
#[derive(Debug)]
pub(super) struct Wanted {
    file: PathBuf,
    /// What was durable when it was asked for.
    through: Lsn,
    answer: oneshot::Sender<Result<Exported, ArchiveError>>,
}

/// Asks for an archive.
pub(super) fn ask(shared: &Arc<Shared>, file: PathBuf) -> BoxFuture<'static, Result<Exported, ArchiveError>> {
    let (answer, answered) = oneshot::channel();
    let through = Lsn(shared.next_to_be_durable().0 - 1);
    {
        let mut wanted = shared.archive.lock();
        if wanted.as_ref().is_some_and(|wanted| !wanted.answer.is_closed()) {
            return std::future::ready(Err(ArchiveError::Busy)).boxed();
        }
        *wanted = Some(Wanted { file, through, answer });
    }
    shared.pending.want();
    let shared = Arc::clone(shared);
    async move {
        let mut ended = shared.ended.subscribe();
        tokio::select! {
            answer = answered => answer.map_err(|_| ArchiveError::Closed)?,
            _ = ended.wait_for(|ended| *ended) => Err(ArchiveError::Closed),
        }
    }
    .boxed()
}

impl Applier {
    pub(super) fn archive_when_asked(&self) {
        let Some(Wanted { file, answer, .. }) = self.wanted_archive() else { return };
        let written = self.archive(&file);
        match &written {
            Ok(done) => tracing::info!("exported {} bytes at lsn {} for an operator", done.bytes, done.lsn.0),
            Err(error) => tracing::warn!("no export for the operator: {error}"),
        }
        // Whoever asked has gone: the file is there all the same.
        let _ = answer.send(written);
    }

    /// The archive that is asked for, if all that it must hold is in the table; else the applier comes again for it.
    /// (It may have been asked for while a window without its last records was being applied.)
    fn wanted_archive(&self) -> Option<Wanted> {
        let mut wanted = self.shared.archive.lock();
        let early = wanted.as_ref().is_some_and(|wanted| wanted.through > self.applied);
        if early {
            self.shared.pending.want();
            return None;
        }
        wanted.take()
    }

    fn archive(&self, file: &std::path::Path) -> Result<Exported, ArchiveError> {
        let shared = &self.shared;
        let from = self.checkpoint.from;
        Source {
            disk: &*shared.disk,
            seal: &shared.seal,
            store: self.store,
            tree: &*self.tree,
            segments: &archive::segments(&*shared.disk, &self.dir, from)?,
            from,
            accepted: &self.accepted,
            lsn: self.applied,
        }
        .write(file)
    }
}
