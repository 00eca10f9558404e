//! A ministry's own desk, wired: what it is told by a courier, what it orders on the webhook's listener.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::control::DeskOfficers;
use super::{AppError, AppOptions, DeskChoice};
use crate::actors::Random;
use crate::actors::courier::{self, Pace, Round};
use crate::actors::neighbour::Bulkheads;
use crate::desk::Desk;
use crate::desk::ministry::{HttpDesk, Options};
use crate::ports::Store;
use crate::web::Draining;
use crate::web::desk::Orders;
use crate::wire::hook::HookKeys;

/// The way to it.
pub(super) struct Ministry {
    line: HttpDesk,
    keys: HookKeys,
    options: Options,
}

/// The desk over a store, and the way to the ministry's if it has one.
pub(super) fn open(options: &AppOptions, store: &Arc<dyn Store>) -> Result<(Arc<Desk>, Option<Ministry>), AppError> {
    let desk = Desk::new(Arc::clone(store), Arc::clone(&options.clock), &options.keys);
    let DeskChoice::Http(at) = &options.desk else { return Ok((Arc::new(desk), None)) };
    let line = HttpDesk::new(at, Arc::clone(&options.clock))?;
    let keys = HookKeys::read(&at.secrets).map_err(crate::desk::ministry::OptionsError::from)?;
    Ok((Arc::new(desk.with_ministry()), Some(Ministry { line, keys, options: at.clone() })))
}

impl Ministry {
    pub(super) fn orders(&self, options: &AppOptions, desk: &Arc<Desk>, draining: &Arc<Draining>) -> Orders {
        Orders {
            officers: Arc::new(DeskOfficers(Arc::clone(desk))),
            clock: Arc::clone(&options.clock),
            draining: Arc::clone(draining),
            keys: self.keys.clone(),
            body_read_s: options.server.body_read_s,
            durable_within_s: options.server.durable_within_s,
        }
    }

    /// Starts its courier.
    pub(super) fn courier(
        self,
        desk: &Arc<Desk>,
        calls: &Bulkheads,
        random: &Arc<dyn Random>,
    ) -> Option<JoinHandle<()>> {
        let Options { timeout, connections_max, retry_first, retry_max, refused_again, .. } = self.options;
        let neighbour = calls.ministry_desk.clone()?;
        Some(courier::start(Round {
            untold: desk.clone(),
            desk: Arc::new(self.line),
            neighbour,
            random: Arc::clone(random),
            // The client's own bound speaks first, and says what failed.
            pace: Pace { at_once_max: connections_max, within: timeout * 2, retry_first, retry_max, refused_again },
        }))
    }
}
