//! PDUs on the wire: cut from the stream by their length, read by `rusmpp`, made from the settings.
//!
//! The stream is cut here and not by `rusmpp`, so that one PDU that cannot be read costs itself alone: its header has
//! what an answer needs. Nothing of a PDU is ever shown or logged: it holds the password, or a text and its number.

use std::io;

use rusmpp::pdus::{BindTransceiver, DeliverSm, DeliverSmResp, SubmitSm};
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::{COctetString, OctetString};
use rusmpp::values::{
    DataCoding, EsmClass, InterfaceVersion, MCDeliveryReceipt, Npi, RegisteredDelivery, ServiceType, Ton,
};
use rusmpp::{Command, CommandStatus, Pdu};
use secrecy::ExposeSecret;
use tokio_util::bytes::{Buf, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use super::Options;
use crate::domain::phone::Mobile;

/// A PDU that is longer breaks the link: a text of 64 KiB with all its fields fits.
const PDU_BYTES_MAX: usize = 70_000;
const HEADER_BYTES: usize = 16;
/// Most of a PDU of ours.
const OWN_BYTES: usize = 512;

const NACK: u32 = 0x8000_0000;
const SUBMIT_ANSWER: u32 = 0x8000_0004;
const DELIVER: u32 = 0x0000_0005;
const UNBIND: u32 = 0x0000_0006;
const BIND_ANSWER: u32 = 0x8000_0009;
const ENQUIRE: u32 = 0x0000_0015;
/// Set in all answers.
const ANSWER: u32 = 0x8000_0000;

/// What the other side says.
#[derive(Debug)]
pub(super) enum Heard {
    Bind {
        status: u32,
    },
    /// The answer to a text; the id is empty where there is none.
    Submit {
        sequence: u32,
        status: u32,
        id: String,
    },
    /// It could not read something of ours.
    Nack {
        sequence: u32,
        status: u32,
    },
    /// A message or receipt; `None`: it cannot be read.
    Deliver {
        sequence: u32,
        message: Option<Box<DeliverSm>>,
    },
    Enquire {
        sequence: u32,
    },
    Unbind {
        sequence: u32,
    },
    /// An answer that nobody waits for by its number: that the link stands.
    Alive,
    /// A request of a kind that we do not know.
    Strange {
        sequence: u32,
    },
}

/// Cuts the stream into what is said.
#[derive(Debug)]
pub(super) struct Pdus;

impl Decoder for Pdus {
    type Item = Heard;
    type Error = io::Error;

    fn decode(&mut self, stream: &mut BytesMut) -> io::Result<Option<Heard>> {
        if stream.len() < HEADER_BYTES {
            return Ok(None);
        }
        let length = usize::try_from((&stream[..]).get_u32()).unwrap_or(usize::MAX);
        if !(HEADER_BYTES..=PDU_BYTES_MAX).contains(&length) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a pdu of {length} bytes")));
        }
        if stream.len() < length {
            stream.reserve(length - stream.len());
            return Ok(None);
        }
        Ok(Some(heard(stream.split_to(length))))
    }
}

fn heard(mut pdu: BytesMut) -> Heard {
    let mut header = &pdu[4..HEADER_BYTES];
    let (command, status, sequence) = (header.get_u32(), header.get_u32(), header.get_u32());
    let mut body = || {
        let read = CommandCodec::new().with_max_length(PDU_BYTES_MAX).decode(&mut pdu);
        read.ok().flatten().and_then(|command| command.pdu().cloned())
    };
    match command {
        BIND_ANSWER => Heard::Bind { status },
        SUBMIT_ANSWER => {
            let id = match body() {
                Some(Pdu::SubmitSmResp(answer)) => answer.message_id().as_str().to_owned(),
                _ => String::new(),
            };
            Heard::Submit { sequence, status, id }
        }
        NACK => Heard::Nack { sequence, status },
        DELIVER => {
            let message = match body() {
                Some(Pdu::DeliverSm(message)) => Some(Box::new(message)),
                _ => None,
            };
            Heard::Deliver { sequence, message }
        }
        ENQUIRE => Heard::Enquire { sequence },
        UNBIND => Heard::Unbind { sequence },
        answer if answer & ANSWER != 0 => Heard::Alive,
        _ => Heard::Strange { sequence },
    }
}

/// The PDUs of ours, with what the settings say of each.
#[derive(Debug)]
pub(super) struct Own {
    service_type: ServiceType,
    source: COctetString<1, 21>,
    source_ton: u8,
    source_npi: u8,
    dest_ton: u8,
    dest_npi: u8,
    data_coding: u8,
}

/// A setting that no PDU can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not ascii, or longer than smpp has room for")]
pub struct Unwritable(&'static str);

impl Own {
    pub(super) fn new(options: &Options) -> Result<Self, Unwritable> {
        let Options { source_ton, source_npi, dest_ton, dest_npi, data_coding, .. } = *options;
        let service_type = ServiceType::new(text("service_type", &options.service_type)?);
        let source = text("source", &options.source)?;
        Ok(Self { service_type, source, source_ton, source_npi, dest_ton, dest_npi, data_coding })
    }

    /// The text as one message to a phone, whose fate is to be told.
    pub(super) fn submit(&self, sequence: u32, to: Mobile, text: &[u8]) -> io::Result<BytesMut> {
        let unfit = || io::Error::new(io::ErrorKind::InvalidInput, "a text or number that smpp has no room for");
        let number = to.phone().to_e164();
        let number = COctetString::from_string(number.trim_start_matches('+').to_owned()).map_err(|_| unfit())?;
        let receipt = MCDeliveryReceipt::McDeliveryReceiptRequestedWhereFinalDeliveryOutcomeIsSuccessOrFailure;
        let submit = SubmitSm::builder()
            .service_type(self.service_type.clone())
            .source_addr_ton(Ton::from(self.source_ton))
            .source_addr_npi(Npi::from(self.source_npi))
            .source_addr(self.source.clone())
            .dest_addr_ton(Ton::from(self.dest_ton))
            .dest_addr_npi(Npi::from(self.dest_npi))
            .destination_addr(number)
            // Its default is no plain message.
            .esm_class(EsmClass::from(0))
            .registered_delivery(RegisteredDelivery::from(u8::from(receipt)))
            .data_coding(DataCoding::from(self.data_coding))
            .short_message(OctetString::from_slice(text).map_err(|_| unfit())?)
            .build();
        written(CommandStatus::EsmeRok, sequence, submit)
    }
}

/// Opens the session, for both ways.
pub(super) fn bind(options: &Options, sequence: u32) -> Result<BytesMut, Unwritable> {
    let bind = BindTransceiver::builder()
        .system_id(text("system_id", &options.system_id)?)
        .password(text("password", options.password.expose_secret())?)
        .system_type(text("system_type", &options.system_type)?)
        .interface_version(InterfaceVersion::Smpp3_4)
        .build();
    written(CommandStatus::EsmeRok, sequence, bind).map_err(|_| Unwritable("system_id"))
}

/// A message or receipt has arrived.
pub(super) fn deliver_answer(sequence: u32) -> io::Result<BytesMut> {
    written(CommandStatus::EsmeRok, sequence, DeliverSmResp::builder().build())
}

/// A PDU without a body.
pub(super) fn plain(sequence: u32, pdu: Pdu) -> io::Result<BytesMut> {
    written(CommandStatus::EsmeRok, sequence, pdu)
}

/// We do not know what that is.
pub(super) fn nack(sequence: u32) -> io::Result<BytesMut> {
    written(CommandStatus::EsmeRinvcmdid, sequence, Pdu::GenericNack)
}

fn written(status: CommandStatus, sequence: u32, pdu: impl Into<Pdu>) -> io::Result<BytesMut> {
    let mut bytes = BytesMut::with_capacity(OWN_BYTES);
    let command = Command::new(status, sequence, pdu);
    CommandCodec::new().encode(command, &mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

fn text<const MAX: usize>(name: &'static str, value: &str) -> Result<COctetString<1, MAX>, Unwritable> {
    if !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err(Unwritable(name));
    }
    COctetString::from_string(value.to_owned()).map_err(|_| Unwritable(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::phone::Phone;

    fn own() -> Own {
        Own::new(&Options::local("127.0.0.1:2775", "siaga", "rahasia")).expect("settings that fit")
    }

    fn decoded(bytes: &[u8]) -> Vec<Heard> {
        let mut stream = BytesMut::from(bytes);
        std::iter::from_fn(|| Pdus.decode(&mut stream).expect("a stream")).collect()
    }

    /// A PDU by hand.
    fn pdu(command: u32, status: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER_BYTES + body.len()).expect("short");
        let words = [length, command, status, sequence].map(u32::to_be_bytes).concat();
        [words.as_slice(), body].concat()
    }

    /// Field by field, as SMPP 3.4 has them in 4.4.1.
    #[test]
    fn a_text_leaves_as_the_standard_has_it() {
        let to = Phone::from_wa_id("6281200000042").and_then(Mobile::from_phone).expect("a mobile");
        let bytes = own().submit(7, to, b"111111 kode").expect("it fits");
        let body = b"\0\x05\x00KEMENKES\0\x01\x016281200000042\0\x00\x00\x00\0\0\x01\x00\x00\x00\x0b111111 kode";
        assert_eq!(bytes[..], pdu(4, 0, 7, body));
    }

    #[test]
    fn a_bind_is_for_both_ways_and_of_version_three_point_four() {
        let options = Options::local("127.0.0.1:2775", "siaga", "rahasia");
        let bytes = bind(&options, 1).expect("settings that fit");
        assert_eq!(bytes[..], pdu(9, 0, 1, b"siaga\0rahasia\0\0\x34\x00\x00\0"));
        for (key, broken) in [
            ("password", Options::local("127.0.0.1:2775", "siaga", "nine char")),
            ("system_id", Options::local("127.0.0.1:2775", "kementerian-kese", "rahasia")),
            ("system_id", Options::local("127.0.0.1:2775", "si\0ga", "rahasia")),
        ] {
            assert_eq!(bind(&broken, 1).expect_err("no room"), Unwritable(key));
        }
    }

    #[test]
    fn the_stream_is_cut_wherever_it_breaks() {
        let all = [pdu(0x15, 0, 1, b""), pdu(0x8000_0004, 0, 2, b"id-1\0"), pdu(0x8000_0015, 0, 3, b"")].concat();
        for cut in 0..all.len() {
            let mut stream = BytesMut::from(&all[..cut]);
            let mut count = std::iter::from_fn(|| Pdus.decode(&mut stream).expect("a stream")).count();
            stream.extend_from_slice(&all[cut..]);
            count += std::iter::from_fn(|| Pdus.decode(&mut stream).expect("a stream")).count();
            assert_eq!(count, 3, "cut at {cut}");
        }
        for length in [0, 15, 70_001, u32::MAX] {
            let mut stream = BytesMut::from(&[length.to_be_bytes().as_slice(), &[0; 12]].concat()[..]);
            assert!(Pdus.decode(&mut stream).is_err(), "{length}");
        }
    }

    #[test]
    fn a_pdu_that_cannot_be_read_costs_itself_alone() {
        let refused = pdu(0x8000_0004, 0x58, 2, b"");
        let broken = pdu(5, 0, 3, b"no end");
        let heard = decoded(&[refused, broken, pdu(0x15, 0, 4, b""), pdu(0x103, 0, 5, b"?")].concat());
        assert!(matches!(&heard[0], Heard::Submit { sequence: 2, status: 0x58, id } if id.is_empty()), "{heard:?}");
        assert!(matches!(heard[1], Heard::Deliver { sequence: 3, message: None }), "{heard:?}");
        assert!(matches!(heard[2], Heard::Enquire { sequence: 4 }), "{heard:?}");
        assert!(matches!(heard[3], Heard::Strange { sequence: 5 }), "{heard:?}");
    }
}
