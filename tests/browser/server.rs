//! The real binary with everything on loopback, on free ports, in a directory of its own.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::driver::PATIENCE;

/// A running `siaga`.
pub(crate) struct Server {
    process: Child,
    pub(crate) page_url: String,
    /// What the internet may reach, without a path.
    pub(crate) public_url: String,
    _directory: tempfile::TempDir,
}

impl Server {
    /// With the embedded registry and the page's SMS.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With files of settings over the default.
    pub(crate) async fn with(settings: &[&Path]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // Held together until all are known, so that no port is given twice.
        let free: Vec<_> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let address = |at: usize| free[at].local_addr().unwrap().to_string();
        let (webhook, ops, page) = (address(0), address(1), address(2));
        drop(free);
        let process = Command::new(env!("CARGO_BIN_EXE_siaga"))
            .arg("serve")
            .args(settings.iter().flat_map(|file| [Path::new("--config"), file]))
            .env("SIAGA__SERVER__BIND", &webhook)
            .env("SIAGA__SERVER__OPS_BIND", &ops)
            .env("SIAGA__EMULATOR__BIND", &page)
            .env("SIAGA__STORE__PATH", directory.path().join("store"))
            .env("SIAGA__STORE__KEY_FILE", directory.path().join("siaga.key"))
            .env("SIAGA__CERTIFICATE__KEY_FILE", directory.path().join("signing.pem"))
            .env("SIAGA__TELEMETRY__LOG", "warn")
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary of this crate");
        let server = Self {
            process,
            page_url: format!("http://{page}/"),
            public_url: format!("http://{webhook}"),
            _directory: directory,
        };
        server.ready(&format!("http://{ops}/readyz")).await;
        server.ready(&server.page_url).await;
        server
    }

    async fn ready(&self, url: &str) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !client.get(url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(tokio::time::Instant::now() < deadline, "{url} does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
