//! What Meta posts when somebody's identifiers changed (cloud-api.md 2 and 3.1).

use serde_json::{Map, Value, json};
use siaga::domain::contact::Identity;
use siaga::domain::time::Timestamp;
use siaga::transcript::directive::MetaTells;

use crate::support::{NUMBER, envelope};

/// The webhook body.
pub(super) fn told(way: MetaTells, before: &Identity, after: &Identity, at: Timestamp) -> Value {
    let at = (at.0 / 1_000).to_string();
    let phone = |identity: &Identity| identity.phone.map(|phone| json!(phone.digits().to_string()));
    let bsuid = |identity: &Identity| identity.bsuid.as_ref().map(|bsuid| json!(bsuid.0));
    if way == MetaTells::UserIdUpdate {
        let ids = json!({ "previous": bsuid(before), "current": bsuid(after) });
        let update = object([("wa_id", phone(after)), ("user_id", Some(ids)), ("timestamp", Some(json!(at)))]);
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "6281100000119", "phone_number_id": NUMBER },
            "user_id_update": [update],
        });
        let change = json!({ "field": "user_id_update", "value": value });
        return json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [change] }] });
    }
    let system = object([
        ("type", Some(json!(way.name()))),
        ("wa_id", phone(after)),
        ("user_id", bsuid(after)),
        ("body", Some(json!("changed"))),
    ]);
    envelope(&[object([
        ("from", phone(before)),
        ("from_user_id", bsuid(before)),
        ("id", Some(json!(format!("wamid.system.{at}")))),
        ("timestamp", Some(json!(at))),
        ("type", Some(json!("system"))),
        ("system", Some(system)),
    ])])
}

/// Of those members that are there.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let there = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect::<Map<_, _>>())
}
