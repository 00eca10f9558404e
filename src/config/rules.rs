//! What must fit together: settings that are each allowed and yet wrong as a whole.

use std::collections::BTreeSet;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::fault::Fault;
use super::{
    Config, Desk, DeskKind, Directory, DirectoryKind, Mode, OtpSender, Registry, RegistryKind, key_file, signing_file,
};
use crate::http_neighbour;
use crate::wire::hook::HookKeys;

/// Known to everyone who reads the default file, so worth nothing towards Meta.
const EMULATOR_SECRETS: [&str; 3] = ["emulator-app-secret", "emulator-verify-token", "emulator-access-token"];
/// A signature is as strong as its secret; Meta's app secrets have 32 characters.
const SECRET_CHARS_MIN: usize = 16;

struct Faults(Vec<Fault>);

impl Faults {
    fn unless(&mut self, holds: bool, key: &'static str, reason: &str) {
        if !holds {
            self.0.push(Fault::Rule { key, reason: reason.to_owned() });
        }
    }
}

/// Every broken rule.
pub fn check(config: &Config) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    in_every_mode(config, &mut faults);
    if config.whatsapp.mode == Mode::Cloud {
        in_cloud_mode(config, &mut faults);
    }
    faults.0
}

fn in_every_mode(config: &Config, faults: &mut Faults) {
    let Config { server, whatsapp, conversation, account, .. } = config;
    let same = server.bind == server.ops_bind && server.bind.port() != 0;
    faults.unless(!same, "server.ops_bind", "is the same address as server.bind; operators need one of their own");
    faults.unless(!whatsapp.app_secrets.is_empty(), "whatsapp.app_secrets", "is empty; no webhook could be verified");
    faults.unless(
        whatsapp.app_secrets.iter().all(|secret| secret.expose_secret().len() >= SECRET_CHARS_MIN),
        "whatsapp.app_secrets",
        "holds a secret of fewer than 16 characters",
    );
    faults.unless(
        !whatsapp.verify_token.expose_secret().is_empty(),
        "whatsapp.verify_token",
        "is empty; anyone could register the webhook",
    );
    faults.unless(!whatsapp.phone_numbers.is_empty(), "whatsapp.phone_numbers", "is empty; nobody could write to us");
    let ids: BTreeSet<&str> = whatsapp.phone_numbers.iter().map(|number| number.id.as_str()).collect();
    faults.unless(ids.len() == whatsapp.phone_numbers.len(), "whatsapp.phone_numbers", "names an id twice");
    faults.unless(
        ids.iter().all(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())),
        "whatsapp.phone_numbers",
        "has an id that is not digits; it is Meta's phone_number_id, not the phone number",
    );
    faults.unless(
        whatsapp.retry_first_ms <= whatsapp.retry_max_ms,
        "whatsapp.retry_first_ms",
        "is over whatsapp.retry_max_ms",
    );
    faults.unless(
        conversation.session_idle_s <= conversation.session_max_s,
        "conversation.session_idle_s",
        "is over conversation.session_max_s",
    );
    faults.unless(
        conversation.retry_first_s <= conversation.retry_max_s,
        "conversation.retry_first_s",
        "is over conversation.retry_max_s",
    );
    faults.unless(
        conversation.late_after_s <= conversation.refused_after_s,
        "conversation.late_after_s",
        "is over conversation.refused_after_s",
    );
    faults.unless(account.lock_s.is_sorted(), "account.lock_s", "must not get shorter from lock to lock");
    let issuer = config.certificate.issuer.trim().chars().count();
    faults.unless((1..=80).contains(&issuer), "certificate.issuer", "must have 1 to 80 characters");
    faults.unless(
        config.certificate.sign_again_after_days < config.certificate.valid_days,
        "certificate.sign_again_after_days",
        "is not under certificate.valid_days; signatures would end before they are renewed",
    );
    if config.registry.kind == RegistryKind::Satusehat {
        satusehat(&config.registry, faults);
    }
    if config.directory.kind == DirectoryKind::Http {
        directory(&config.directory, faults);
    }
    if config.desk.kind == DeskKind::Http {
        desk(&config.desk, faults);
    }
    faults.unless(
        config.desk.retry_first_s <= config.desk.retry_max_s,
        "desk.retry_first_s",
        "is over desk.retry_max_s",
    );
    faults.unless(account.otp_life_s <= account.otp_life_max_s, "account.otp_life_s", "is over account.otp_life_max_s");
    senders(config, faults);
}

fn desk(desk: &Desk, faults: &mut Faults) {
    faults.unless(
        http_neighbour::address(&desk.url).is_ok(),
        "desk.url",
        "must be https (http only towards this machine); desk.kind = \"http\" needs one",
    );
    if let Err(error) = HookKeys::read(&desk.secrets) {
        faults.unless(false, "desk.secrets", &error.to_string());
    }
}

fn senders(config: &Config, faults: &mut Faults) {
    let otp = &config.otp;
    let has = |sender| otp.senders.contains(&sender);
    let each: BTreeSet<OtpSender> = otp.senders.iter().copied().collect();
    faults.unless(each.len() == otp.senders.len(), "otp.senders", "names a way twice");
    faults.unless(
        each.iter().any(|sender| *sender != OtpSender::Template),
        "otp.senders",
        "has no way for texts; a template carries codes only, and few of them",
    );
    if has(OtpSender::Http) {
        faults.unless(
            http_neighbour::address(&otp.url).is_ok(),
            "otp.url",
            "must be https (http only towards this machine); \"http\" in otp.senders needs one",
        );
        in_header(&otp.authorization, "otp.authorization", faults);
        faults.unless(
            otp.body.contains("{to}") && otp.body.contains("{text}"),
            "otp.body",
            "must hold {to} and {text}, else the code reaches nobody",
        );
    }
    if has(OtpSender::Smpp) {
        smpp(config, faults);
    }
    faults.unless(
        has(OtpSender::Template) != otp.template.is_empty(),
        "otp.template",
        "must name a template where \"template\" is in otp.senders, and only there",
    );
}

/// SMPP's fields have so much room, and no encryption.
fn smpp(config: &Config, faults: &mut Faults) {
    let Config { smpp, actors, .. } = config;
    let address = smpp.address.parse::<std::net::SocketAddr>();
    faults.unless(
        address.is_ok_and(|address| address.ip().is_loopback()),
        "smpp.address",
        "is not an address of this machine with a port, \"127.0.0.1:2775\": SMPP is not encrypted, so put a tunnel to the \
         operator on this machine (stunnel, ssh) and name its end",
    );
    let fits = |text: &str, most: usize| text.len() <= most && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    faults.unless(
        !smpp.system_id.is_empty() && fits(&smpp.system_id, 15),
        "smpp.system_id",
        "must have 1 to 15 characters of ASCII; the operator gives one to each client",
    );
    faults.unless(
        fits(smpp.password.expose_secret(), 8),
        "smpp.password",
        "has more than the 8 characters of ASCII that SMPP has room for",
    );
    faults.unless(fits(&smpp.system_type, 12), "smpp.system_type", "has more than 12 characters of ASCII");
    faults.unless(fits(&smpp.service_type, 5), "smpp.service_type", "has more than 5 characters of ASCII");
    faults.unless(fits(&smpp.source, 20), "smpp.source", "has more than 20 characters of ASCII");
    faults.unless(
        smpp.reconnect_first_ms <= smpp.reconnect_max_ms,
        "smpp.reconnect_first_ms",
        "is over smpp.reconnect_max_ms",
    );
    faults.unless(
        smpp.timeout_ms < actors.neighbour_timeout_ms,
        "smpp.timeout_ms",
        "is not under actors.neighbour_timeout_ms; every text that waits would count as unanswered",
    );
}

fn directory(directory: &Directory, faults: &mut Faults) {
    faults.unless(
        http_neighbour::address(&directory.url).is_ok(),
        "directory.url",
        "must be https (http only towards this machine); directory.kind = \"http\" needs one",
    );
    faults.unless(
        directory.authorization.expose_secret().starts_with("Bearer "),
        "directory.authorization",
        "must be \"Bearer …\"",
    );
    in_header(&directory.authorization, "directory.authorization", faults);
}

fn satusehat(registry: &Registry, faults: &mut Faults) {
    faults.unless(
        http_neighbour::address(&registry.url).is_ok(),
        "registry.url",
        "must be https (http only towards this machine)",
    );
    faults.unless(!registry.client_id.is_empty(), "registry.client_id", "is empty; SATUSEHAT gives one to each client");
    faults.unless(
        !registry.client_secret.expose_secret().is_empty(),
        "registry.client_secret",
        "is empty; SATUSEHAT gives one to each client",
    );
    faults.unless(!registry.vaccine_codes.is_empty(), "registry.vaccine_codes", "is empty; no vaccine would be known");
}

fn in_cloud_mode(config: &Config, faults: &mut Faults) {
    let Config { whatsapp, store, otp, .. } = config;
    let known = |text: &str| EMULATOR_SECRETS.contains(&text);
    faults.unless(
        !whatsapp.app_secrets.iter().any(|secret| known(secret.expose_secret())),
        "whatsapp.app_secrets",
        "holds the emulator's secret, which everyone knows; cloud mode needs your app's",
    );
    faults.unless(
        !known(whatsapp.verify_token.expose_secret()),
        "whatsapp.verify_token",
        "is the emulator's, which everyone knows; choose one",
    );
    let token = whatsapp.access_token.expose_secret();
    faults.unless(
        !token.is_empty() && !known(token),
        "whatsapp.access_token",
        "is the emulator's or empty; cloud mode needs a system-user token",
    );
    in_header(&whatsapp.access_token, "whatsapp.access_token", faults);
    faults.unless(
        http_neighbour::address(&whatsapp.graph_url).is_ok(),
        "whatsapp.graph_url",
        "must be https (http only towards this machine)",
    );
    faults.unless(
        !otp.senders.contains(&OtpSender::Emulator),
        "otp.senders",
        "holds \"emulator\", whose codes nobody receives; cloud mode needs a real way",
    );
    if let Err(error) = key_file::load(&store.key_file) {
        faults.unless(false, "store.key_file", &error.to_string());
    }
    if let Err(error) = signing_file::load(&config.certificate.key_file) {
        faults.unless(false, "certificate.key_file", &error.to_string());
    }
}

/// A secret that was copied with its line break is found here, and not with the first request.
fn in_header(secret: &SecretString, name: &'static str, faults: &mut Faults) {
    faults.unless(
        HeaderValue::from_str(secret.expose_secret()).is_ok(),
        name,
        "holds a line break or another character that cannot stand in a header",
    );
}
