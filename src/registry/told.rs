//! What a server says about a failure, as an operator may read it.
//!
//! Its texts quote what was asked for, so they hold names and numbers. What was asked for is taken out by name, and
//! every word with a run of digits loses them: a NIK, a birth date, a patient's number.

use serde_json::Value;

use crate::domain::citizen::Person;

/// Characters of it that are kept.
const CHARS_MAX: usize = 160;
/// A word with so many digits is a number of something.
const DIGITS_MIN: usize = 4;
/// Shorter parts of a name stand in too many words to be told from them.
const NAME_PART_MIN: usize = 2;

/// Words that never appear: the parts of a person's names, in small letters.
pub(super) struct Hidden(Vec<String>);

impl Hidden {
    pub(super) fn of(person: &Person) -> Self {
        let names = [Some(&person.name), Some(&person.verified_name), person.civil_name.as_ref()];
        let parts = names.into_iter().flatten().flat_map(|name| name.as_str().split(|c: char| !c.is_alphanumeric()));
        Self(parts.filter(|part| part.chars().count() >= NAME_PART_MIN).map(str::to_lowercase).collect())
    }

    /// Nobody's name is known where a token is asked for.
    pub(super) fn nothing() -> Self {
        Self(Vec::new())
    }

    /// The issues of an `OperationOutcome`, or a body that is none, as far as they may be read.
    pub(super) fn told(&self, body: &[u8]) -> String {
        let json: Option<Value> = serde_json::from_slice(body).ok();
        let text = match json.as_ref().map(issues) {
            Some(issues) if !issues.is_empty() => issues.join("; "),
            Some(_) => String::from("a body without an issue"),
            None => String::from_utf8_lossy(&body[..body.len().min(4 * CHARS_MAX)]).into_owned(),
        };
        self.cleaned(&text)
    }

    fn cleaned(&self, text: &str) -> String {
        let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let clean = words.map(|word| self.word(word)).collect::<Vec<_>>().join(" ");
        clean.chars().take(CHARS_MAX).collect()
    }

    fn word(&self, word: &str) -> String {
        if word.chars().filter(|c| c.is_numeric()).count() >= DIGITS_MIN {
            return String::from("…");
        }
        let parts = word.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
        let named = parts.into_iter().any(|part| self.0.contains(&part));
        if named { String::from("…") } else { word.to_owned() }
    }
}

/// `severity` and `code` are not always FHIR's; what counts is what people wrote.
fn issues(outcome: &Value) -> Vec<String> {
    let issues = outcome.get("issue").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let of_issue = |issue: &Value| {
        let texts = [issue.pointer("/details/text"), issue.get("diagnostics"), issue.get("code")];
        texts.into_iter().flatten().find_map(|text| text.as_str().map(str::to_owned))
    };
    let fault = outcome.pointer("/fault/faultstring").or_else(|| outcome.get("error_description"));
    let fault = fault.or_else(|| outcome.get("Error")).or_else(|| outcome.get("error"));
    let told = issues.iter().filter_map(of_issue);
    told.chain(fault.and_then(Value::as_str).map(str::to_owned)).take(4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str) -> String {
        Hidden(vec!["siti".into(), "rahmawati".into()]).told(body.as_bytes())
    }

    #[test]
    fn issues_are_told_without_whom_they_are_about() {
        let outcome = r#"{"resourceType":"OperationOutcome","issue":[
            {"severity":"invalid","code":"value","details":{"text":"Patient with NIK 0001014708900003 (SITI, born 1990-08-07) unknown"}},
            {"severity":"error","diagnostics":"name=Siti%20Rahmawati"},{"code":"not-found"}]}"#;
        let said = told(outcome);
        assert_eq!(said, "Patient with NIK … … born … unknown; … not-found");
        assert_eq!(told("<html>\n<b>502 Bad\tGateway</b>"), "<html> <b>502 Bad Gateway</b>");
        assert_eq!(told(r#"{"fault":{"faultstring":"Invalid ApiKey"}}"#), "Invalid ApiKey");
        assert_eq!(told("{}"), "a body without an issue");
        assert_eq!(told(&"x".repeat(10_000)).len(), CHARS_MAX);
    }
}
