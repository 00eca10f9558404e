//! The layers of settings laid over each other, each key with where it was last set.
//!
//! The default file is the schema: it has every key, with a value of the right type. So an unknown key or a
//! wrong type is found here without a list of keys anywhere else.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::{Table, Value};

use super::fault::{ConfigError, Fault};
use super::{DEFAULT_TOML, OtpSender, PhoneNumber, SmsAnswer, SmsHeader, VaccineCode};

/// Variables that start with this are settings: `SIAGA__SECTION__KEY`.
pub const ENV_PREFIX: &str = "SIAGA__";

/// Keys whose values are never shown.
const SECRETS: [&str; 9] = [
    "whatsapp.app_secrets",
    "desk.secrets",
    "whatsapp.verify_token",
    "whatsapp.access_token",
    "otp.authorization",
    "otp.secret",
    "smpp.password",
    "registry.client_secret",
    "directory.authorization",
];

/// A setting: its value and the layer that set it.
#[derive(Clone, Debug)]
pub struct Leaf {
    pub value: Value,
    pub origin: String,
}

/// All settings by `section.key`, and what was wrong with single ones.
#[derive(Clone, Debug)]
pub struct Layered {
    pub leaves: BTreeMap<String, Leaf>,
    pub faults: Vec<Fault>,
}

impl Leaf {
    /// The value as an error may show it.
    pub fn shown(&self, key: &str) -> String {
        if is_secret(key) { "(hidden)".to_owned() } else { self.value.to_string() }
    }
}

/// Whether a key's value must not be shown.
pub fn is_secret(key: &str) -> bool {
    SECRETS.contains(&key)
}

/// Lays files and environment over the default. Only a default that cannot be read is an error by itself;
/// everything else is collected in `faults`.
pub fn read(
    files: &[PathBuf],
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Layered, ConfigError> {
    let default = parse(DEFAULT_TOML, "config/default.toml").map_err(|fault| ConfigError { faults: vec![fault] })?;
    let mut layered = Layered { leaves: BTreeMap::new(), faults: Vec::new() };
    for (section, keys) in default {
        for (key, value) in keys.as_table().cloned().unwrap_or_default() {
            layered.leaves.insert(format!("{section}.{key}"), Leaf { value, origin: "default".to_owned() });
        }
    }
    for path in files {
        let origin = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => match parse(&text, &origin) {
                Ok(table) => layered.lay_file(table, &origin),
                Err(fault) => layered.faults.push(fault),
            },
            Err(error) => {
                layered.faults.push(Fault::Unreadable { path: path.clone(), reason: error.to_string() });
            }
        }
    }
    for (name, text) in environment {
        if let Some(rest) = name.strip_prefix(ENV_PREFIX) {
            layered.lay_variable(&name, rest, &text);
        }
    }
    Ok(layered)
}

fn parse(text: &str, origin: &str) -> Result<Table, Fault> {
    text.parse::<Table>().map_err(|error| {
        let line = error.span().map(|span| text[..span.start.min(text.len())].lines().count().max(1));
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        Fault::Syntax { origin: origin.to_owned(), reason: format!("{place}{}", error.message()) }
    })
}

impl Layered {
    fn lay_file(&mut self, table: Table, origin: &str) {
        for (section, keys) in table {
            let Value::Table(keys) = keys else {
                self.unknown(section, origin);
                continue;
            };
            for (key, value) in keys {
                self.lay(format!("{section}.{key}"), value, origin);
            }
        }
    }

    fn lay_variable(&mut self, name: &str, rest: &str, text: &str) {
        let key = rest.to_lowercase().replacen("__", ".", 1);
        let value = match self.leaves.get(&key).map(|leaf| &leaf.value) {
            // A string is taken as it is; everything else is written as in a file.
            Some(Value::String(_)) | None => Value::String(text.to_owned()),
            Some(_) => match format!("value = {text}").parse::<Table>() {
                Ok(mut table) => table.remove("value").unwrap_or_else(|| Value::String(text.to_owned())),
                Err(_) => Value::String(text.to_owned()),
            },
        };
        self.lay(key, value, name);
    }

    fn lay(&mut self, key: String, value: Value, origin: &str) {
        let Some(leaf) = self.leaves.get_mut(&key) else {
            self.unknown(key, origin);
            return;
        };
        let next = Leaf { value, origin: origin.to_owned() };
        if next.value.same_type(&leaf.value) {
            *leaf = next;
        } else {
            let allowed = describe(&leaf.value);
            self.faults.push(Fault::NotAllowed {
                value: next.shown(&key),
                allowed: allowed.to_owned(),
                key,
                origin: next.origin,
            });
        }
    }

    fn unknown(&mut self, key: String, origin: &str) {
        let nearest = self
            .leaves
            .keys()
            .map(|known| (strsim::jaro_winkler(known, &key), known))
            .filter(|(likeness, _)| *likeness > 0.85)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, known)| known.clone());
        self.faults.push(Fault::Unknown { key, origin: origin.to_owned(), nearest });
    }

    /// The settings as one table of sections.
    pub fn to_table(&self) -> Table {
        let mut table = Table::new();
        for (key, leaf) in &self.leaves {
            if let Some((section, name)) = key.split_once('.')
                && let Value::Table(section) =
                    table.entry(section.to_owned()).or_insert_with(|| Value::Table(Table::new()))
            {
                section.insert(name.to_owned(), leaf.value.clone());
            }
        }
        table
    }
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text in quotes",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list in [ ]",
        Value::Table(_) => "a table",
    }
}

/// Why a value of the right type still cannot be read, if it cannot: addresses and the insides of lists.
pub(super) fn misfit(key: &str, value: &Value) -> Option<String> {
    match key {
        "server.bind" | "server.ops_bind" | "emulator.bind" => value
            .as_str()
            .and_then(|text| text.parse::<std::net::SocketAddr>().err())
            .map(|_| "allowed: an address with a port, \"127.0.0.1:8080\" or \"[::1]:8080\"".to_owned()),
        "whatsapp.app_secrets" | "desk.secrets" => value
            .clone()
            .try_into::<Vec<String>>()
            .err()
            .map(|_| "allowed: a list of texts, [\"secret\", \"older secret\"]".to_owned()),
        "whatsapp.phone_numbers" => value.clone().try_into::<Vec<PhoneNumber>>().err().map(|error| {
            format!("allowed: a list of {{ id = \"…\", display = \"…\", messages_per_s = 80 }}; {}", error.message())
        }),
        "otp.senders" => value
            .clone()
            .try_into::<Vec<OtpSender>>()
            .err()
            .map(|_| "allowed: a list of \"emulator\", \"http\", \"smpp\", \"template\"".to_owned()),
        "otp.headers" => value
            .clone()
            .try_into::<Vec<SmsHeader>>()
            .err()
            .map(|error| format!("allowed: a list of {{ name = \"…\", value = \"…\" }}; {}", error.message())),
        "otp.answers" => value.clone().try_into::<Vec<SmsAnswer>>().err().map(|error| {
            format!("allowed: a list of {{ status = 200, says = \"…\", means = \"retry\" }}; {}", error.message())
        }),
        "registry.vaccine_codes" => value.clone().try_into::<Vec<VaccineCode>>().err().map(|error| {
            format!(
                "allowed: a list of {{ system = \"…\", code = \"511\", vaccine = \"CoronaVac\" }}; {}",
                error.message()
            )
        }),
        "account.lock_s" => value
            .clone()
            .try_into::<[u32; 3]>()
            .err()
            .map(|_| "allowed: three whole numbers of seconds, [first, second, later]".to_owned()),
        _ => None,
    }
}
