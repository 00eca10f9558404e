//! Media over HTTP: upload, describe, fetch, delete (cloud-api.md 4.11).

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::error::{Code, GraphError};
use super::multipart;
use super::{admit, number_of};
use crate::emulator::media::{self, File};
use crate::emulator::world::World;

pub(super) async fn upload(
    world: web::Data<World>,
    http: HttpRequest,
    path: web::Path<(String, String)>,
    body: web::Bytes,
) -> Result<HttpResponse, GraphError> {
    let (version, number_id) = path.into_inner();
    admit(&world, &http, &version)?;
    number_of(&world, &number_id)?;
    if let Some(code) = world.faults.take_for_upload() {
        return Err(GraphError::new(Code(code), "planned"));
    }
    let content_type = http.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let parts = multipart::parts(content_type, &body)
        .ok_or_else(|| GraphError::new(Code::PARAMETER, "a multipart/form-data body is expected"))?;
    let field = |name: &str| parts.iter().find(|part| part.name == name);
    if field("messaging_product").is_none_or(|part| part.bytes != b"whatsapp") {
        return Err(GraphError::new(Code::PARAMETER, "`messaging_product` must be `whatsapp`"));
    }
    let file = field("file").ok_or_else(|| GraphError::new(Code::PARAMETER, "`file` is required"))?;
    let declared = field("type").and_then(|part| std::str::from_utf8(part.bytes).ok());
    let mime_type = file.mime_type.as_deref().or(declared).unwrap_or_default().to_owned();
    let bytes_max =
        media::size_max(&mime_type).ok_or_else(|| GraphError::new(Code::MEDIA, "files of this type are not taken"))?;
    if file.bytes.is_empty() || file.bytes.len() > bytes_max {
        return Err(GraphError::new(Code::MEDIA, format!("such a file must have 1 to {bytes_max} bytes")));
    }
    let id = world.media.keep(File { mime_type, bytes: body.slice_ref(file.bytes) });
    Ok(HttpResponse::Ok().json(json!({ "id": id })))
}

pub(super) async fn describe(
    world: web::Data<World>,
    http: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, GraphError> {
    let (version, id) = path.into_inner();
    admit(&world, &http, &version)?;
    let file = world.media.file(&id).ok_or_else(unknown)?;
    let url = format!("http://{}/media/{}", world.address, world.media.lend(&id, world.now()));
    Ok(HttpResponse::Ok().json(json!({
        "messaging_product": "whatsapp",
        "url": url,
        "mime_type": file.mime_type,
        "sha256": STANDARD.encode(Sha256::digest(&file.bytes)),
        "file_size": file.bytes.len(),
        "id": id,
    })))
}

pub(super) async fn delete(
    world: web::Data<World>,
    http: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, GraphError> {
    let (version, id) = path.into_inner();
    admit(&world, &http, &version)?;
    if world.media.delete(&id) { Ok(HttpResponse::Ok().json(json!({ "success": true }))) } else { Err(unknown()) }
}

/// The bytes, for five minutes after `describe`, for whoever shows the token.
pub(super) async fn fetch(
    world: web::Data<World>,
    http: HttpRequest,
    token: web::Path<String>,
) -> Result<HttpResponse, GraphError> {
    admit(&world, &http, "v0.0")?;
    Ok(match world.media.lent(&token, world.now()) {
        Some(file) => HttpResponse::Ok().content_type(file.mime_type).body(file.bytes),
        None => HttpResponse::NotFound().finish(),
    })
}

fn unknown() -> GraphError {
    GraphError::new(Code::PARAMETER, "no media has this id")
}
