//! Templates in a request (cloud-api.md 4.6).

use super::content::text;
use super::error::{Code, GraphError};
use super::node::Node;
use crate::domain::message::Text;
use crate::emulator::event::Form;
use crate::emulator::world::World;

const NAME_CHARS_MAX: usize = 512;
const COMPONENTS_MAX: usize = 20;
const PARAMETERS_MAX: usize = 50;
const PARAMETER_CHARS_MAX: usize = 1_024;
/// Longest code of an authentication template.
const CODE_CHARS_MAX: usize = 15;

/// The template, and whether it carries a one-time code: the body's only parameter again on a URL button.
pub(super) fn template(world: &World, node: &Node<'_>) -> Result<(Form, bool), GraphError> {
    node.only(&["name", "language", "components", "namespace"])?;
    let name = node.text("name", NAME_CHARS_MAX)?;
    let language = node.object("language")?;
    language.only(&["code", "policy"])?;
    let language = language.text("code", 40)?;
    let components = if node.has("components") { node.list("components", 0, COMPONENTS_MAX)? } else { Vec::new() };
    let (mut body, mut on_button) = (Vec::new(), None);
    for component in components {
        component.only(&["type", "sub_type", "index", "parameters", "cards"])?;
        let kind = component.text("type", 20)?.to_ascii_lowercase();
        let parameters = parameters(&component)?;
        match kind.as_str() {
            "body" => body = parameters,
            "header" => {}
            "button" => {
                let sub_type = component.text("sub_type", 30)?;
                if !component.has("index") {
                    return Err(component.missing("index"));
                }
                if sub_type.eq_ignore_ascii_case("url") {
                    on_button = parameters.into_iter().next();
                }
            }
            _ => return Err(component.wrong("type", "one of header, body, button")),
        }
    }
    let authentication = on_button.is_some() && body.len() == 1 && on_button.as_ref() == body.first();
    if authentication && body.iter().any(|code| code.0.chars().count() > CODE_CHARS_MAX) {
        return Err(GraphError::new(Code::TEMPLATE_LENGTH, format!("a code has at most {CODE_CHARS_MAX} characters")));
    }
    exists(world, name, language, body.len())?;
    let form = Form::Template { name: name.to_owned(), language: language.to_owned(), parameters: body };
    Ok((form, authentication))
}

fn parameters(component: &Node<'_>) -> Result<Vec<Text>, GraphError> {
    if !component.has("parameters") {
        return Ok(Vec::new());
    }
    let mut texts = Vec::new();
    for parameter in component.list("parameters", 0, PARAMETERS_MAX)? {
        texts.push(match parameter.text("type", 20)? {
            "text" => text(parameter.text("text", PARAMETER_CHARS_MAX)?),
            "currency" => text(parameter.object("currency")?.text("fallback_value", 100)?),
            "date_time" => text(parameter.object("date_time")?.text("fallback_value", 100)?),
            _ => Text::default(),
        });
    }
    Ok(texts)
}

fn exists(world: &World, name: &str, language: &str, parameters: usize) -> Result<(), GraphError> {
    let Some(templates) = &world.options.rules.templates else { return Ok(()) };
    let known = templates.iter().find(|template| template.name == name && template.language == language);
    let known =
        known.ok_or_else(|| GraphError::new(Code::TEMPLATE, "no approved template of this name and language"))?;
    if known.body_parameters == parameters {
        Ok(())
    } else {
        let wanted = known.body_parameters;
        Err(GraphError::new(Code::TEMPLATE_PARAMETERS, format!("its body takes {wanted} parameters")))
    }
}
