//! Reading a request strictly: every field by name and limit, every complaint with its place.

use serde_json::{Map, Value};

use super::error::{Code, GraphError};

/// An object of the request, and where it stands.
pub(super) struct Node<'a> {
    fields: &'a Map<String, Value>,
    path: String,
}

impl<'a> Node<'a> {
    /// The whole request.
    pub(super) fn root(value: &'a Value) -> Result<Self, GraphError> {
        Self::new(value, String::new())
    }

    fn new(value: &'a Value, path: String) -> Result<Self, GraphError> {
        match value.as_object() {
            Some(fields) => Ok(Self { fields, path }),
            None => Err(GraphError::new(Code::PARAMETER, format!("`{path}` must be an object"))),
        }
    }

    /// The place of a field.
    pub(super) fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    /// A value that is there and is wrong.
    pub(super) fn wrong(&self, key: &str, expected: &str) -> GraphError {
        GraphError::new(Code::VALUE, format!("`{}` must be {expected}", self.at(key)))
    }

    pub(super) fn missing(&self, key: &str) -> GraphError {
        GraphError::new(Code::MISSING, format!("`{}` is required", self.at(key)))
    }

    fn mistyped(&self, key: &str, expected: &str) -> GraphError {
        GraphError::new(Code::PARAMETER, format!("`{}` must be {expected}", self.at(key)))
    }

    /// Refuses fields of other names: a misspelt one would silently do nothing.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), GraphError> {
        if self.fields.keys().all(|key| known.contains(&key.as_str())) {
            return Ok(());
        }
        let place = if self.path.is_empty() { "the request" } else { &self.path };
        Err(GraphError::new(Code::PARAMETER, format!("unexpected field in {place}; known: {known:?}")))
    }

    pub(super) fn object(&self, key: &str) -> Result<Node<'a>, GraphError> {
        self.opt_object(key)?.ok_or_else(|| self.missing(key))
    }

    pub(super) fn opt_object(&self, key: &str) -> Result<Option<Node<'a>>, GraphError> {
        self.fields.get(key).map(|value| Node::new(value, self.at(key))).transpose()
    }

    /// A text of one character at least.
    pub(super) fn text(&self, key: &str, chars_max: usize) -> Result<&'a str, GraphError> {
        self.opt_text(key, chars_max)?.ok_or_else(|| self.missing(key))
    }

    pub(super) fn opt_text(&self, key: &str, chars_max: usize) -> Result<Option<&'a str>, GraphError> {
        let Some(value) = self.fields.get(key) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| self.mistyped(key, "a string"))?;
        let chars = text.chars().count();
        if (1..=chars_max).contains(&chars) {
            Ok(Some(text))
        } else {
            Err(self.wrong(key, &format!("1 to {chars_max} characters long")))
        }
    }

    /// A text that may be empty.
    pub(super) fn any_text(&self, key: &str) -> Result<&'a str, GraphError> {
        let value = self.fields.get(key).ok_or_else(|| self.missing(key))?;
        value.as_str().ok_or_else(|| self.mistyped(key, "a string"))
    }

    /// One of a few words.
    pub(super) fn word(&self, key: &str, known: &[&str]) -> Result<&'a str, GraphError> {
        let word = self.any_text(key)?;
        if known.contains(&word) { Ok(word) } else { Err(self.wrong(key, &format!("one of {known:?}"))) }
    }

    /// A number from `-limit` to `limit`.
    pub(super) fn degrees(&self, key: &str, limit: f64) -> Result<f64, GraphError> {
        let value = self.fields.get(key).ok_or_else(|| self.missing(key))?;
        let number = value.as_f64().or_else(|| value.as_str()?.parse().ok());
        let number = number.ok_or_else(|| self.mistyped(key, "a number"))?;
        if number.abs() <= limit { Ok(number) } else { Err(self.wrong(key, &format!("at most {limit}"))) }
    }

    pub(super) fn opt_flag(&self, key: &str) -> Result<Option<bool>, GraphError> {
        let Some(value) = self.fields.get(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.mistyped(key, "true or false"))
    }

    /// The objects of a list that must hold between `min` and `max`.
    pub(super) fn list(&self, key: &str, min: usize, max: usize) -> Result<Vec<Node<'a>>, GraphError> {
        let value = self.fields.get(key).ok_or_else(|| self.missing(key))?;
        let items = value.as_array().ok_or_else(|| self.mistyped(key, "a list"))?;
        if !(min..=max).contains(&items.len()) {
            return Err(self.wrong(key, &format!("a list of {min} to {max}")));
        }
        let nodes = items.iter().enumerate().map(|(index, item)| Node::new(item, format!("{}[{index}]", self.at(key))));
        nodes.collect()
    }

    /// An address of the web.
    pub(super) fn url(&self, key: &str) -> Result<&'a str, GraphError> {
        let url = self.text(key, 2_000)?;
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if rest.is_some_and(|rest| !rest.is_empty()) { Ok(url) } else { Err(self.wrong(key, "an http(s) address")) }
    }
}
