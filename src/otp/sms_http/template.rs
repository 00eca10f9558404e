//! The body of a request as a template: JSON, or pairs of a form or a query. What is filled in stays a value: no message
//! can break out of its place.

use serde_json::Value;

/// How a gateway wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// POST with a JSON body.
    Json,
    /// POST with a form, `to={to}&text={text}`.
    Form,
    /// GET with the same pairs behind the address.
    Query,
}

/// A template that was read.
#[derive(Clone, Debug)]
pub(super) enum Template {
    Json(Value),
    Form(Vec<(String, String)>),
    Query(Vec<(String, String)>),
}

/// Names, each with what stands in its place.
pub(super) type Names<'a> = &'a [(&'a str, &'a str)];

impl Template {
    pub(super) fn read(format: Format, body: &str) -> Result<Self, serde_json::Error> {
        Ok(match format {
            Format::Json => Self::Json(serde_json::from_str(body)?),
            Format::Form => Self::Form(pairs(body)),
            Format::Query => Self::Query(pairs(body)),
        })
    }

    /// Whether a name stands in any of its values.
    pub(super) fn holds(&self, name: &str) -> bool {
        match self {
            Self::Json(body) => holds(body, name),
            Self::Form(pairs) | Self::Query(pairs) => pairs.iter().any(|(_, value)| value.contains(name)),
        }
    }
}

/// As they are written: spaces and signs are encoded when they are sent.
fn pairs(body: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.to_owned()));
    body.split('&').filter_map(pair).collect()
}

/// Pairs with their names filled in.
pub(super) fn filled_pairs(pairs: &[(String, String)], names: Names<'_>) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| (name.clone(), filled_text(value, names))).collect()
}

fn holds(body: &Value, name: &str) -> bool {
    match body {
        Value::String(text) => text.contains(name),
        Value::Array(list) => list.iter().any(|item| holds(item, name)),
        Value::Object(map) => map.values().any(|item| holds(item, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The template with its names filled in, as JSON and not as text: whatever a message holds stays a string.
pub(super) fn filled(body: &Value, names: Names<'_>) -> Value {
    match body {
        Value::String(text) => Value::String(filled_text(text, names)),
        Value::Array(list) => list.iter().map(|item| filled(item, names)).collect(),
        Value::Object(map) => map.iter().map(|(key, item)| (key.clone(), filled(item, names))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => body.clone(),
    }
}

/// In one pass, so that a message with `{to}` in it says just that.
pub(super) fn filled_text(template: &str, names: Names<'_>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(brace) = rest.find('{') {
        out.push_str(&rest[..brace]);
        rest = &rest[brace..];
        if let Some((name, value)) = names.iter().find(|(name, _)| rest.starts_with(name)) {
            out.push_str(value);
            rest = &rest[name.len()..];
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_break_out_of_the_body() {
        let template = serde_json::from_str(r#"{"a":["{to}",1],"b":{"t":"<{text}>{x}{"}}"#).unwrap();
        let names: Names<'_> = &[("{to}", "+62"), ("{text}", "\"}{to}\\ {text}\n")];
        let body = filled(&template, names);
        assert_eq!(body, serde_json::json!({ "a": ["+62", 1], "b": { "t": "<\"}{to}\\ {text}\n>{x}{" } }));
        let Ok(Template::Query(pairs)) = Template::read(Format::Query, "to={to}&text=KODE {text}&dlr=") else {
            panic!("pairs are no json");
        };
        let filled = filled_pairs(&pairs, &[("{to}", "+62"), ("{text}", "1&to=9")]);
        let expected = [("to", "+62"), ("text", "KODE 1&to=9"), ("dlr", "")];
        assert_eq!(filled, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
