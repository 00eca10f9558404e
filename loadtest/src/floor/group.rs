//! A log with one `fdatasync` for all that waits: the least that makes a promise true. No CRC, no seal, no reading
//! back: the floor promises durability and nothing else. Zeros are written ahead, as the journal does it: a sync whose
//! file grew costs three times as much.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use anyhow::Context as _;
use hyper::body::Bytes;
use tokio::sync::oneshot;

/// Zeros that are written ahead at once.
const AHEAD: usize = 1 << 20;

struct Entry {
    bytes: Bytes,
    durable: oneshot::Sender<()>,
}

/// Clones write to the same log.
#[derive(Clone)]
pub(super) struct Log(Sender<Entry>);

impl Log {
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create_new(path).with_context(|| format!("cannot create {}", path.display()))?;
        let (entries, waiting) = channel();
        std::thread::Builder::new().name("floor-log".into()).spawn(move || write(&file, &waiting))?;
        Ok(Self(entries))
    }

    /// Returns when the bytes are on the disk.
    pub(super) async fn append(&self, bytes: Bytes) -> anyhow::Result<()> {
        let (durable, done) = oneshot::channel();
        self.0.send(Entry { bytes, durable }).ok().context("the log has ended")?;
        done.await.context("the log has ended")
    }
}

/// Ends when the disk refuses, and with it every append that waits.
fn write(file: &File, waiting: &Receiver<Entry>) {
    let (mut group, mut buffer) = (Vec::new(), Vec::new());
    let zeros = vec![0; AHEAD];
    let (mut offset, mut ahead) = (0, 0);
    while let Ok(first) = waiting.recv() {
        group.push(first);
        group.extend(waiting.try_iter());
        buffer.clear();
        for entry in &group {
            buffer.extend_from_slice(&entry.bytes);
        }
        let end = offset + buffer.len() as u64;
        let room = if end > ahead { file.write_all_at(&zeros, end) } else { Ok(()) };
        ahead = if end > ahead { end + AHEAD as u64 } else { ahead };
        if room.and_then(|()| file.write_all_at(&buffer, offset)).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        offset = end;
        for entry in group.drain(..) {
            // Who no longer waits need not hear it.
            let _gone = entry.durable.send(());
        }
    }
}
