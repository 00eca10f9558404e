//! The server's own account of the messages it took: what came in is answered, absorbed, refused, put aside or waits.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A server that stands still says nothing, and is not waited for.
const PATIENCE: Duration = Duration::from_millis(500);
const PAGE_BYTES_MAX: u64 = 1024 * 1024;
/// Anything but 0 is an alarm.
const DRIFT: &str = "siaga_messages_drift ";

/// Messages that it cannot account for now; `None` when it does not say.
pub(crate) async fn drift_at(ops: SocketAddr) -> Option<f64> {
    drift_in(&timeout(PATIENCE, page(ops)).await.ok()?.ok()?)
}

async fn page(ops: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(ops).await?;
    stream.write_all(format!("GET /metrics HTTP/1.0\r\nHost: {ops}\r\n\r\n").as_bytes()).await?;
    let mut page = String::new();
    stream.take(PAGE_BYTES_MAX).read_to_string(&mut page).await?;
    Ok(page)
}

fn drift_in(page: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(DRIFT)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drift_is_found_among_the_metrics() {
        let page = "HTTP/1.0 200 OK\r\n\r\n# TYPE siaga_messages_drift gauge\nsiaga_messages_drift -3\nx 1\n";
        assert_eq!(drift_in(page), Some(-3.0));
        assert_eq!(drift_in("siaga_messages_drifted 1\n"), None);
    }
}
