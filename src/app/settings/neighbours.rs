//! The settings of registry, directory and SMS gateway as their options.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::super::{CodeSender, DeskChoice, Directory, Records};
use crate::config::{self, DeskKind, DirectoryKind, OtpSender, RegistryKind};
use crate::desk::ministry;
use crate::otp::{smpp, sms_http};
use crate::registry::{directory, satusehat};

pub(super) fn senders(otp: &config::Otp, at: &config::Smpp) -> Vec<CodeSender> {
    let sender = |sender: &OtpSender| match sender {
        OtpSender::Emulator => CodeSender::Emulator,
        OtpSender::Http => CodeSender::Http(sms_http(otp)),
        OtpSender::Smpp => CodeSender::Smpp(smpp(at)),
        OtpSender::Template => CodeSender::Template,
    };
    otp.senders.iter().map(sender).collect()
}

fn sms_http(otp: &config::Otp) -> sms_http::Options {
    let none = otp.authorization.expose_secret().is_empty();
    sms_http::Options {
        url: otp.url.clone(),
        authorization: (!none).then(|| otp.authorization.clone()),
        format: match otp.format {
            config::SmsFormat::Json => sms_http::Format::Json,
            config::SmsFormat::Form => sms_http::Format::Form,
            config::SmsFormat::Query => sms_http::Format::Query,
        },
        body: otp.body.clone(),
        headers: otp.headers.iter().map(|own| (own.name.clone(), own.value.clone())).collect(),
        secret: otp.secret.clone(),
        readings: otp.answers.iter().map(reading).collect(),
        timeout: Duration::from_millis(otp.timeout_ms),
        connections_max: otp.connections_max,
    }
}

fn smpp(at: &config::Smpp) -> smpp::Options {
    smpp::Options {
        address: at.address.clone(),
        system_id: at.system_id.clone(),
        password: at.password.clone(),
        system_type: at.system_type.clone(),
        service_type: at.service_type.clone(),
        source: at.source.clone(),
        source_ton: at.source_ton,
        source_npi: at.source_npi,
        dest_ton: at.dest_ton,
        dest_npi: at.dest_npi,
        data_coding: at.data_coding,
        window_max: at.window_max,
        timeout: Duration::from_millis(at.timeout_ms),
        enquire_after: Duration::from_secs(at.enquire_link_s),
        reconnect_first: Duration::from_millis(at.reconnect_first_ms),
        reconnect_max: Duration::from_millis(at.reconnect_max_ms),
        throttle_pause: Duration::from_millis(at.throttle_pause_ms),
        receipts_max: at.receipts_max,
        receipts_for: Duration::from_secs(at.receipts_s),
    }
}

pub(super) fn directory(at: &config::Directory) -> Directory {
    match at.kind {
        DirectoryKind::Embedded => Directory::Embedded,
        DirectoryKind::Http => Directory::Http(directory::Options {
            url: at.url.clone(),
            authorization: at.authorization.clone(),
            timeout: Duration::from_millis(at.timeout_ms),
            connections_max: at.connections_max,
        }),
    }
}

pub(super) fn desk(at: &config::Desk) -> DeskChoice {
    match at.kind {
        DeskKind::Here => DeskChoice::Here,
        DeskKind::Http => DeskChoice::Http(ministry::Options {
            url: at.url.clone(),
            secrets: at.secrets.clone(),
            timeout: Duration::from_millis(at.timeout_ms),
            connections_max: at.connections_max,
            retry_first: Duration::from_secs(at.retry_first_s),
            retry_max: Duration::from_secs(at.retry_max_s),
            refused_again: Duration::from_secs(at.refused_again_s),
        }),
    }
}

pub(super) fn records(registry: &config::Registry) -> Records {
    let code = |code: &config::VaccineCode| satusehat::VaccineCode {
        system: code.system.clone(),
        code: code.code.clone(),
        vaccine: code.vaccine.clone(),
    };
    match registry.kind {
        RegistryKind::Embedded => Records::Embedded,
        RegistryKind::Satusehat => Records::Satusehat(satusehat::Options {
            url: registry.url.clone(),
            client_id: registry.client_id.clone(),
            client_secret: registry.client_secret.clone(),
            timeout: Duration::from_millis(registry.timeout_ms),
            connections_max: registry.connections_max,
            vaccines: registry.vaccine_codes.iter().map(code).collect(),
        }),
    }
}

fn reading(answer: &config::SmsAnswer) -> sms_http::Reading {
    sms_http::Reading {
        status: (answer.status != 0).then_some(answer.status),
        says: answer.says.clone(),
        means: match answer.means {
            config::SmsMeaning::Sent => sms_http::Meaning::Sent,
            config::SmsMeaning::Retry => sms_http::Meaning::Retry,
            config::SmsMeaning::Undelivered => sms_http::Meaning::Undelivered,
            config::SmsMeaning::Refused => sms_http::Meaning::Refused,
        },
    }
}
