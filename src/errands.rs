//! A thread of its own for the connections to one neighbour.
//!
//! Whatever opened an HTTP or SMPP connection also keeps it alive; were that a shard's thread, a shard that hangs
//! would take the neighbour away from all others. So a neighbour that is shared by all shards does its work here,
//! and a caller only waits. What a caller no longer waits for is ended, unless it was begun with [`Errands::leave`].

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinError};

/// The thread; ends when this is dropped.
#[derive(Debug)]
pub struct Errands {
    handle: Handle,
    _until_dropped: oneshot::Sender<()>,
}

/// Ends the work when the caller is gone.
struct Ending(AbortHandle);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Errands {
    /// Starts the thread under the neighbour's name.
    pub fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (until_dropped, dropped) = oneshot::channel::<()>();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Ends with an error, which is the news that nobody holds it any more.
            let _ = runtime.block_on(dropped);
        })?;
        Ok(Self { handle, _until_dropped: until_dropped })
    }

    /// Does some work on the thread; an error when it panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T, JoinError> {
        let working = self.handle.spawn(work);
        let _ending = Ending(working.abort_handle());
        working.await
    }

    /// Begins work that nobody waits for.
    pub fn leave(&self, work: impl Future<Output = ()> + Send + 'static) {
        drop(self.handle.spawn(work));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn work_is_done_elsewhere_and_a_panic_is_an_error() {
        let errands = Errands::start("neighbour").expect("a thread");
        let name = errands.run(async { std::thread::current().name().map(str::to_owned) }).await.expect("done");
        assert_eq!(name.as_deref(), Some("neighbour"));
        let panicked: Result<(), _> = errands.run(async { panic!("as the test wants") }).await;
        assert!(panicked.is_err());
        assert_eq!(errands.run(async { 7 }).await.expect("still there"), 7);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_ended() {
        let errands = Errands::start("neighbour").expect("a thread");
        let held = Arc::new(());
        let weak = Arc::downgrade(&held);
        let endless = errands.run(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), endless).await.is_err());
        for _ in 0..3_000 {
            if weak.upgrade().is_none() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("it goes on");
    }
}
