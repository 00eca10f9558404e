//! A bound connection while it stands: texts out, answers and receipts in, and whether anybody is still there.
//!
//! Invariants: every text that was written is answered once, by the SMSC, or "unknown" when its time is up or the link
//! breaks; a receipt is acknowledged before it is told on, since it would come again otherwise; one writer, whose every
//! write has its time.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use rusmpp::Pdu;
use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::FramedRead;

use super::sent::Sent;
use super::session::Sink;
use super::wire::{self, Heard, Own, Pdus};
use super::{Options, Submit, answers, not_now, receipt, unknown};
use crate::ports::{Receipt, Unsent};

pub(super) type Reader = FramedRead<OwnedReadHalf, Pdus>;
pub(super) type Writer = OwnedWriteHalf;

/// Sequence numbers go from 1 to this (SMPP 3.4, section 3.2).
const SEQUENCE_LAST: u32 = 0x7fff_ffff;

/// Why a link is over.
#[derive(Debug)]
pub(super) struct Broken(pub(super) &'static str);

/// The connection.
pub(super) struct Link<'a> {
    options: &'a Options,
    own: &'a Own,
    reader: Reader,
    out: Out<'a>,
    /// By their sequence numbers; as many as the window has places.
    flying: BTreeMap<u32, Submit>,
    heard_at: Instant,
    /// Asked whether it stands, and not answered.
    asked_at: Option<Instant>,
    paused_until: Option<Instant>,
}

/// The way out.
struct Out<'a> {
    options: &'a Options,
    writer: Writer,
    sequence: u32,
}

impl Out<'_> {
    fn next_sequence(&mut self) -> u32 {
        self.sequence = if self.sequence >= SEQUENCE_LAST { 1 } else { self.sequence + 1 };
        self.sequence
    }

    async fn write(&mut self, pdu: std::io::Result<BytesMut>) -> Result<(), Broken> {
        let pdu = pdu.map_err(|_| Broken("a pdu cannot be written"))?;
        match timeout(self.options.timeout, self.writer.write_all(&pdu)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Broken("the connection is closed")),
            Err(_) => Err(Broken("the smsc does not read")),
        }
    }
}

impl<'a> Link<'a> {
    pub(super) fn new(options: &'a Options, own: &'a Own, reader: Reader, writer: Writer) -> Self {
        // The bind had the first number.
        let out = Out { options, writer, sequence: 1 };
        let (flying, heard_at) = (BTreeMap::new(), Instant::now());
        Self { options, own, reader, out, flying, heard_at, asked_at: None, paused_until: None }
    }

    /// Until it breaks; `None`: nobody sends any more.
    pub(super) async fn serve(
        mut self,
        submits: &mut Receiver<Submit>,
        sent: &mut Sent,
        sink: &Sink,
    ) -> Option<Broken> {
        let broken = loop {
            let due = self.next_due();
            let served = tokio::select! {
                submit = submits.recv() => {
                    let Some(submit) = submit else {
                        let sequence = self.out.next_sequence();
                        // Nothing hangs on it: the connection is closed anyway.
                        let _ = self.out.write(wire::plain(sequence, Pdu::Unbind)).await;
                        return None;
                    };
                    self.submit(submit).await
                }
                heard = self.reader.next() => match heard {
                    Some(Ok(heard)) => self.heard(heard, sent, sink).await,
                    Some(Err(_)) => Err(Broken("what comes is no smpp")),
                    None => Err(Broken("the smsc closed the connection")),
                },
                () = sleep_until(due) => self.due().await,
            };
            if let Err(broken) = served {
                break broken;
            }
        };
        for submit in std::mem::take(&mut self.flying).into_values() {
            give(submit, Err(unknown("the link to the smsc broke")));
        }
        Some(broken)
    }

    fn next_due(&self) -> Instant {
        let quiet = match self.asked_at {
            Some(asked_at) => asked_at + self.options.timeout,
            None => self.heard_at + self.options.enquire_after,
        };
        self.flying.values().map(|submit| submit.until).min().map_or(quiet, |until| until.min(quiet))
    }

    async fn submit(&mut self, submit: Submit) -> Result<(), Broken> {
        let now = Instant::now();
        if submit.answer.is_closed() || now >= submit.until {
            give(submit, Err(not_now("its time was up before it was sent")));
            return Ok(());
        }
        if self.paused_until.is_some_and(|until| now < until) {
            give(submit, Err(not_now("the smsc asks for less")));
            return Ok(());
        }
        let sequence = self.out.next_sequence();
        let Ok(pdu) = self.own.submit(sequence, submit.sms.to, &submit.bytes) else {
            give(submit, Err(Unsent::Refused { reason: "the text cannot be written as a pdu".to_owned() }));
            return Ok(());
        };
        // From here on it may have been taken.
        self.flying.insert(sequence, submit);
        self.out.write(Ok(pdu)).await
    }

    async fn heard(&mut self, heard: Heard, sent: &mut Sent, sink: &Sink) -> Result<(), Broken> {
        self.heard_at = Instant::now();
        self.asked_at = None;
        match heard {
            Heard::Submit { sequence, status, id } => {
                self.answered(sequence, status, id, sent, sink);
                Ok(())
            }
            Heard::Nack { sequence, status } => {
                // An answer without a status would be no answer: what it means to a text is that it was not taken.
                self.answered(sequence, status.max(1), String::new(), sent, sink);
                Ok(())
            }
            Heard::Deliver { sequence, message } => {
                self.out.write(wire::deliver_answer(sequence)).await?;
                let reading = message.and_then(|message| receipt::read(&message));
                let receipt = reading.and_then(|reading| sent.receipt(reading, self.heard_at));
                tell(sink, receipt);
                Ok(())
            }
            Heard::Enquire { sequence } => self.out.write(wire::plain(sequence, Pdu::EnquireLinkResp)).await,
            Heard::Unbind { sequence } => {
                self.out.write(wire::plain(sequence, Pdu::UnbindResp)).await?;
                Err(Broken("the smsc unbinds"))
            }
            Heard::Strange { sequence } => self.out.write(wire::nack(sequence)).await,
            Heard::Alive | Heard::Bind { .. } => Ok(()),
        }
    }

    fn answered(&mut self, sequence: u32, status: u32, id: String, sent: &mut Sent, sink: &Sink) {
        if answers::asks_for_less(status) {
            self.paused_until = Some(self.heard_at + self.options.throttle_pause);
        }
        // One that came too late was answered "unknown" meanwhile.
        let Some(submit) = self.flying.remove(&sequence) else { return };
        let answer = answers::of_submit(status);
        let taken = answer.is_ok() && !id.is_empty();
        let sms = submit.sms.clone();
        give(submit, answer);
        if taken {
            tell(sink, sent.taken(id, sms, self.heard_at));
        }
    }

    /// A time is up: of texts, or of the link.
    async fn due(&mut self) -> Result<(), Broken> {
        let now = Instant::now();
        let over = self.flying.iter().filter(|(_, submit)| submit.until <= now).map(|(sequence, _)| *sequence);
        for sequence in over.collect::<Vec<_>>() {
            if let Some(submit) = self.flying.remove(&sequence) {
                give(submit, Err(unknown("the smsc did not answer in time")));
            }
        }
        match self.asked_at {
            Some(asked_at) if now >= asked_at + self.options.timeout => Err(Broken("the smsc is silent")),
            None if now >= self.heard_at + self.options.enquire_after => {
                self.asked_at = Some(now);
                let sequence = self.out.next_sequence();
                self.out.write(wire::plain(sequence, Pdu::EnquireLink)).await
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Answers a text and frees its place. Whoever gave up waiting hears nothing.
fn give(submit: Submit, answer: Result<(), Unsent>) {
    let _ = submit.answer.send(answer);
}

fn tell(sink: &Sink, receipt: Option<Receipt>) {
    if let (Some(sink), Some(receipt)) = (sink.get(), receipt) {
        sink.heard(receipt);
    }
}
