//! Brings a scenario's troubles about, each at its moment, and ends them again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use siaga::emulator::Fault;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::crowd::Stage;
use crate::directory::Directory;
use crate::scenario::{Trouble, What};
use crate::server::Shared;

/// Meta's "we are down" page.
const DOWN: Fault = Fault::Http(503);

/// Everything that can be troubled.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) stage: Arc<Stage>,
    pub(crate) server: Option<Shared>,
    pub(crate) directory: Option<Arc<Directory>>,
}

/// Runs all troubles to their ends.
pub(crate) async fn bring(world: World, begun: Instant) -> anyhow::Result<()> {
    let mut running = JoinSet::new();
    for trouble in world.stage.scenario.troubles.clone() {
        let world = world.clone();
        running.spawn(async move {
            sleep_until(begun + Duration::from_secs_f64(trouble.at_s)).await;
            begin(&world, &trouble).await.with_context(|| format!("trouble {:?} could not begin", trouble.what))?;
            sleep_until(begun + Duration::from_secs_f64(trouble.at_s + trouble.for_s)).await;
            end(&world, &trouble).await.with_context(|| format!("trouble {:?} could not end", trouble.what))
        });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(())
}

async fn begin(world: &World, trouble: &Trouble) -> anyhow::Result<()> {
    let emulator = &world.stage.emulator;
    let ms = trouble.ms.unwrap_or_default();
    match trouble.what {
        What::GraphDown => emulator.fail_share(trouble.percent, DOWN),
        What::GraphCode => emulator.fail_share(trouble.percent, Fault::Code(trouble.code.unwrap_or_default())),
        What::GraphReset => emulator.fail_share(trouble.percent, Fault::ResetAfterAccept),
        What::GraphSlow => emulator.fail_share(trouble.percent, Fault::SlowMs(ms)),
        What::GraphMaintenance => emulator.maintain_for_ms(whole_ms(trouble.for_s)),
        What::TokenRevoked => emulator.revoke_token(true),
        What::SmsDown => emulator.fail_sms(true),
        What::SmsSlow => emulator.set_sms_latency_ms(ms),
        What::DirectoryDown => directory(world)?.set_down(true),
        What::DirectorySlow => directory(world)?.set_latency_ms(ms),
        What::Kill => server(world)?.lock().await.kill().await?,
        What::Stop => server(world)?.lock().await.signal("-STOP").await?,
        What::DiskFull => server(world)?.lock().await.fill_disk()?,
    }
    Ok(())
}

async fn end(world: &World, trouble: &Trouble) -> anyhow::Result<()> {
    let emulator = &world.stage.emulator;
    match trouble.what {
        What::GraphDown | What::GraphCode | What::GraphReset | What::GraphSlow => emulator.fail_share(0, DOWN),
        What::GraphMaintenance => {}
        What::TokenRevoked => emulator.revoke_token(false),
        What::SmsDown => emulator.fail_sms(false),
        What::SmsSlow => emulator.set_sms_latency_ms(0),
        What::DirectoryDown => directory(world)?.set_down(false),
        What::DirectorySlow => {
            directory(world)?.set_latency_ms(world.stage.scenario.server.directory_ms.unwrap_or_default());
        }
        What::Kill => server(world)?.lock().await.start_again().await?,
        What::Stop => server(world)?.lock().await.signal("-CONT").await?,
        What::DiskFull => server(world)?.lock().await.free_disk()?,
    }
    Ok(())
}

fn server(world: &World) -> anyhow::Result<&Shared> {
    world.server.as_ref().context("it needs a server that this program has started")
}

fn directory(world: &World) -> anyhow::Result<&Directory> {
    world.directory.as_deref().context("it needs `server.directory_ms`")
}

fn whole_ms(seconds: f64) -> i64 {
    i64::try_from(Duration::from_secs_f64(seconds).as_millis()).unwrap_or(i64::MAX)
}
