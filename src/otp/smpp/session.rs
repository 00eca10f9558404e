//! Keeps the session: connects, binds, and begins again when it breaks, ever later.
//!
//! While there is no link every text is answered at once with why there is none, so that the next way has it.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout};
use tokio_util::codec::FramedRead;

use super::link::{Broken, Link, Reader, Writer};
use super::sent::Sent;
use super::wire::{self, Heard, Own, Pdus};
use super::{Options, Submit, answers, not_now};
use crate::ports::{Receipts, Unsent};

/// Where receipts go, once that is known.
pub(super) type Sink = Arc<OnceLock<Arc<dyn Receipts>>>;

/// Until nobody sends any more.
pub(super) async fn keep(address: SocketAddr, options: Options, own: Own, mut submits: Receiver<Submit>, sink: Sink) {
    let mut sent = Sent::new(options.receipts_max, options.receipts_for);
    let mut failures: u32 = 0;
    let mut why = not_now("the smsc is not bound yet");
    loop {
        let Some(connected) = answering(&mut submits, &why, connect(address, &options)).await else { return };
        match connected {
            Ok((reader, writer)) => {
                tracing::info!("the smsc is bound");
                let since = Instant::now();
                let link = Link::new(&options, &own, reader, writer);
                match link.serve(&mut submits, &mut sent, &sink).await {
                    None => return,
                    Some(Broken(reason)) => {
                        tracing::warn!(reason, "the link to the smsc broke");
                        why = not_now("the link to the smsc is broken");
                    }
                }
                // One that is taken away each time it is given is no better than none.
                failures = if since.elapsed() >= options.reconnect_max { 1 } else { failures.saturating_add(1) };
            }
            Err(refused) => {
                if refused != why {
                    tracing::warn!(reason = %refused, "the smsc cannot be used");
                }
                why = refused;
                failures = failures.saturating_add(1);
            }
        }
        let pause = tokio::time::sleep(pause(&options, failures));
        if answering(&mut submits, &why, pause).await.is_none() {
            return;
        }
    }
}

/// Before the next try, after so many in a row that came to nothing.
fn pause(options: &Options, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    options.reconnect_first.saturating_mul(1 << doublings).min(options.reconnect_max)
}

/// Waits for something, and answers all texts meanwhile; `None`: nobody sends any more.
async fn answering<T>(submits: &mut Receiver<Submit>, why: &Unsent, work: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Some(done),
            submit = submits.recv() => {
                // Whoever gave up waiting hears nothing.
                let _ = submit?.answer.send(Err(why.clone()));
            }
        }
    }
}

/// A connection that is bound, or what every text is to hear.
async fn connect(address: SocketAddr, options: &Options) -> Result<(Reader, Writer), Unsent> {
    let bound = async {
        let stream = TcpStream::connect(address).await.map_err(|_| not_now("no connection to the smsc"))?;
        stream.set_nodelay(true).ok();
        let (reader, mut writer) = stream.into_split();
        let mut reader = FramedRead::new(reader, Pdus);
        let unwritable = |_| Unsent::Refused { reason: "the bind cannot be written".to_owned() };
        let bind = wire::bind(options, 1).map_err(unwritable)?;
        writer.write_all(&bind).await.map_err(|_| not_now("the connection to the smsc broke"))?;
        loop {
            match reader.next().await {
                Some(Ok(Heard::Bind { status } | Heard::Nack { status, .. })) => {
                    return answers::of_bind(status).map_or(Ok((reader, writer)), Err);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(not_now("the smsc ended the connection before it was bound")),
            }
        }
    };
    timeout(options.timeout, bound).await.unwrap_or_else(|_| Err(not_now("the smsc did not answer the bind in time")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_come_ever_later_and_never_later_than_the_last() {
        let options = Options::local("127.0.0.1:2775", "siaga", "rahasia");
        let pauses: Vec<u128> = (1..10).map(|failures| pause(&options, failures).as_millis()).collect();
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(pause(&options, u32::MAX), options.reconnect_max);
    }
}
