//! What the actors use of the world, put together from the options and what was opened.

use std::sync::Arc;

use super::ports::Registries;
use super::{AppOptions, CodeSender, DeskChoice};
use crate::actors::gate::Gate;
use crate::actors::hand::InHand;
use crate::actors::ledger::Ledger;
use crate::actors::neighbour::Bulkheads;
use crate::actors::switchboard::Switchboard;
use crate::actors::{Lines, Neighbours, Shards, receipts};
use crate::desk::Desk;
use crate::domain::contact::BusinessNumber;
use crate::emulator;
use crate::issuer::{Issuer, Renaming};
use crate::limits::admission::Pace;
use crate::limits::{Budgets, Fence};
use crate::ports::{Hands, Store, StoreError};

/// What each number may send and hear.
pub(super) fn budgets(numbers: &[emulator::Number]) -> Budgets {
    let number = |number: &emulator::Number| (business_number(number), number.messages_per_s);
    let budgets = Budgets::new(numbers.iter().map(number));
    numbers.iter().fold(budgets, |budgets, own| budgets.known_as(&business_number(own), &own.display))
}

/// The service gate, over the server's own numbers.
pub(super) fn service_gate(options: &AppOptions) -> Option<Arc<Gate>> {
    let numbers = options.numbers.iter().map(|number| (business_number(number), number.messages_per_s)).collect();
    let pace = Pace { numbers, ..options.admission.clone()? };
    Some(Arc::new(Gate::new(pace, Arc::clone(&options.clock))))
}

fn business_number(number: &emulator::Number) -> BusinessNumber {
    BusinessNumber(number.id.as_str().into())
}

/// Boards and lanes of all shards; what becomes of texts is told to their accounts.
pub(super) fn shards(neighbours: &Neighbours, gate: Option<Arc<Gate>>) -> Arc<Shards> {
    let Neighbours { figures, lines, keys, .. } = neighbours;
    let shards = Shards::new(figures.shards, gate, figures.rows_in_memory_max);
    receipts::listen(lines, &shards, keys);
    shards
}

/// All that the actors use of the world.
pub(super) fn neighbours(
    options: AppOptions,
    store: &Arc<dyn Store>,
    lines: Vec<Lines>,
    (registries, issuer): (&Registries, &Arc<Issuer>),
    desk: &Arc<Desk>,
    (budgets, ledger, switchboard, hands): (Arc<Budgets>, Ledger, Arc<Switchboard>, Arc<dyn Hands>),
) -> Neighbours {
    let ways: Vec<&'static str> = options.senders.iter().map(CodeSender::name).collect();
    let figures = &options.figures;
    let calls = Bulkheads::new(figures.neighbour_calls_max, figures.breaker, &options.clock, &ways);
    let calls = match &options.desk {
        DeskChoice::Here => calls,
        DeskChoice::Http(at) => calls.with_ministry_desk(at.connections_max, figures.breaker, &options.clock),
    };
    Neighbours {
        hands: InHand::new(options.figures.shards, hands),
        faults: options.faults,
        store: Arc::clone(store),
        lines,
        directory: Arc::new(Renaming::new(registries.directory.clone(), Arc::clone(issuer.register()))),
        registry: registries.records.clone(),
        tickets: desk.clone(),
        issued: issuer.register().clone(),
        budgets,
        fence: Arc::new(Fence::new(options.rules.messages_per_minute, Arc::clone(&options.clock))),
        ledger: Arc::new(ledger),
        calls: Arc::new(calls),
        clock: options.clock,
        keys: options.keys,
        switchboard,
        texts: options.texts,
        rules: options.rules,
        account_rules: options.account_rules,
        script: options.script,
        random: options.random,
        figures: options.figures,
    }
}

/// The boards take up what the process before this one left.
pub(super) async fn take_up(
    store: &Arc<dyn Store>,
    shards: &Arc<Shards>,
    neighbours: &Neighbours,
) -> Result<(), StoreError> {
    let recovered = store.attach(shards.clone());
    shards.place_recovered(recovered, neighbours.figures.reconcile_ms, neighbours.clock.as_ref());
    let is_open = |contact, what| shards.board(shards.of_contact(contact)).is_open(contact, what);
    neighbours.hands.count_left_behind(store.as_ref(), is_open).await
}
