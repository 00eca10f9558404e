//! Whole webhook bodies, ours and recorded ones, and what each is to us.
//!
//! `tests/payloads/` holds one body a shape of cloud-api.md 2, written for this project; [`EXPECTED`] says every
//! part of each, word for word.

mod recorded;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use siaga::domain::contact::Identity;
use siaga::domain::message::{Content, Inbound, MessageId, Status};
use siaga::domain::time::Timestamp;
use siaga::wire::payload::{IdentityChange, Ignored, Part, decode};

/// When all bodies were accepted: what a message without a readable time is dated by.
const ACCEPTED: Timestamp = Timestamp(1_794_999_999_000);

/// What most bodies have in common, and so is not said in the table.
const SENT: Timestamp = Timestamp(1_794_999_000_000);
const NUMBER: &str = "100000000000001";

const DEAD: &str = "dead_not_understood";

/// File, and its parts as [`told`] tells them.
const EXPECTED: &[(&str, &[&str])] = &[
    // Who writes.
    ("text", &["message_text hai"]),
    (
        "text_phone_and_bsuid",
        &[
            "message_text hai; from 6281200000042/ID.4207318852016634",
            "parent_bsuid ID.ENT.11 of 6281200000042/ID.4207318852016634",
        ],
    ),
    ("text_bsuid_only", &["message_text hai; from -/ID.4207318852016634"]),
    ("text_bsuid_older_form", &["message_text hai; from -/user.93737ab0"]),
    ("text_bsuid_in_from", &["message_text hai; from -/ID.4207318852016634"]),
    ("text_bsuid_from_card", &["message_text hai; from 6281200000042/ID.4207318852016634"]),
    ("text_phone_from_card", &["message_text hai; from 6281200000042/ID.4207318852016634"]),
    ("text_from_as_number", &["message_text hai"]),
    ("text_no_contacts", &["message_text hai"]),
    ("text_card_without_name", &["message_text hai"]),
    ("text_card_of_another", &["message_text hai"]),
    ("text_sender_only_on_card", &["message_text hai; from 6281200000042/ID.4207318852016634"]),
    ("text_no_sender", &["dead_no_sender"]),
    (
        "text_cards_in_other_order",
        &[
            "message_text hai; from 6281200000042/ID.4207318852016634",
            "message_text halo; id wamid.in.2; from 6281200000077/ID.77",
        ],
    ),
    // When, and the rest of the envelope.
    ("text_timestamp_number", &["message_text hai"]),
    ("text_timestamp_ms", &["message_text hai; at 1794999000500"]),
    ("text_timestamp_unreadable", &["message_text hai; at acceptance"]),
    ("text_timestamp_missing", &["message_text hai; at acceptance"]),
    ("text_without_type", &["message_text hai"]),
    ("text_without_id", &[DEAD]),
    ("text_to_no_number", &[DEAD]),
    ("text_empty", &["message_text "]),
    ("text_without_body", &["message_unsupported"]),
    ("text_nul_and_odd_unicode", &["message_text a\0b \u{1f468}\u{200d}\u{1f469} \u{202e}abc \u{ff11}\u{ff12}"]),
    ("text_half_emoji", &["message_text rusak \u{fffd}", "message_text hai; id wamid.in.2"]),
    ("text_new_keys", &["message_text hai; quotes wamid.out.1"]),
    ("text_quoted", &["message_text hai; quotes wamid.out.1"]),
    ("text_forwarded", &["message_text hai"]),
    ("text_frequently_forwarded", &["message_text hai"]),
    ("text_about_product", &["message_text hai; quotes wamid.out.1"]),
    ("text_from_advertisement", &["message_text hai"]),
    // Choices.
    ("button_reply", &["message_choice 7:yes=Setuju; quotes wamid.out.1"]),
    ("list_reply", &["message_choice 7:dose2=Dosis 2; quotes wamid.out.1"]),
    ("list_reply_without_interactive_type", &["message_choice 7:dose2=Dosis 2; quotes wamid.out.1"]),
    ("flow_reply", &["message_unsupported; quotes wamid.out.1"]),
    ("flow_reply_odd_json", &["message_unsupported; quotes wamid.out.1"]),
    ("interactive_call_permission", &["message_unsupported; quotes wamid.out.1"]),
    ("interactive_without_body", &["message_unsupported", "ignored_errors 131000"]),
    ("template_button", &["message_choice OPEN=Buka; quotes wamid.out.1"]),
    ("template_button_without_context", &["message_choice OPEN=Buka"]),
    ("template_button_without_payload", &["message_choice Buka=Buka; quotes wamid.out.1"]),
    (
        "template_button_code_not_asked_for",
        &["message_choice DID_NOT_REQUEST_CODE=I didn't request a code; quotes wamid.out.1"],
    ),
    // Media and places.
    ("image", &["message_photo"]),
    ("image_with_caption", &["message_photo"]),
    ("video", &["message_file"]),
    ("document", &["message_file"]),
    ("voice_message", &["message_voice"]),
    ("audio_file", &["message_voice"]),
    ("sticker", &["message_sticker"]),
    ("media_without_body", &["message_photo"]),
    ("location", &["message_location"]),
    ("location_without_type", &["message_location"]),
    ("location_asked_for", &["message_location; quotes wamid.out.1"]),
    // Cards, reactions, and what is new or odd.
    ("contact_cards", &["message_contacts 6281200000077 6281200000088 6281200000099"]),
    ("contact_card_asked_for", &["message_contacts 6281200000042; quotes wamid.out.1"]),
    ("contact_card_with_vcard", &["message_contacts 6281200000077"]),
    ("contact_card_without_phone", &["message_contacts "]),
    ("reaction", &["message_reaction"]),
    ("reaction_taken_back", &["message_reaction"]),
    ("reaction_taken_back_empty", &["message_reaction"]),
    ("order", &["message_unsupported"]),
    ("unsupported", &["message_unsupported"]),
    ("unsupported_poll", &["message_unsupported"]),
    ("unsupported_with_text", &["message_text hai"]),
    ("unknown", &["message_unsupported"]),
    ("new_type", &["message_unsupported"]),
    ("new_type_with_text", &["message_text hai"]),
    ("nothing_but_a_sender", &["message_unsupported"]),
    ("edit", &["message_edit wamid.in.0 -> message_text sudah diperbaiki"]),
    ("edit_of_caption", &["message_edit wamid.in.0 -> message_photo"]),
    ("edit_within_edit", &["message_edit wamid.in.0 -> message_unsupported"]),
    ("edit_of_unnamed", &["message_unsupported"]),
    ("revoke", &["message_revoke wamid.in.0"]),
    ("revoke_of_unnamed", &["message_unsupported"]),
    ("welcome", &["message_welcome"]),
    ("group_message", &["ignored_group"]),
    // Changed identities.
    ("system_number_changed", &["system_phone_changed 6281200000042/- -> 6281200000043/-; id wamid.in.1"]),
    (
        "system_number_changed_with_bsuid",
        &["system_phone_changed 6281200000042/ID.4207318852016634 -> 6281200000043/ID.9914207318852016; id wamid.in.1"],
    ),
    (
        "system_number_changed_new_bsuid_twice",
        &["system_phone_changed 6281200000042/- -> 6281200000043/ID.9914207318852016; id wamid.in.1"],
    ),
    ("system_number_changed_to_nobody", &["system_phone_changed 6281200000042/- -> -/-; id wamid.in.1"]),
    ("system_user_id_changed", &["system_bsuid_changed 6281200000042/- -> -/ID.9914207318852016; id wamid.in.1"]),
    ("system_user_id_changed_no_from", &["system_bsuid_changed -/- -> -/ID.9914207318852016; id wamid.in.1"]),
    (
        "system_user_id_changed_with_previous",
        &["system_bsuid_changed -/ID.4207318852016634 -> -/ID.9914207318852016; id wamid.in.1"],
    ),
    ("system_about_nobody", &["dead_no_sender"]),
    ("system_identity_key", &["ignored_system"]),
    ("system_without_body", &["ignored_system"]),
    ("user_id_update", &["system_bsuid_updated -/ID.4207318852016634 -> 6281200000043/ID.9914207318852016; no number"]),
    (
        "user_id_update_list",
        &[
            "system_bsuid_updated -/ID.4207318852016634 -> 6281200000043/ID.9914207318852016",
            "system_bsuid_updated -/ID.4207318852016634 -> -/ID.9914207318852016",
        ],
    ),
    ("user_id_update_without_ids", &[DEAD]),
    // Statuses.
    ("status_sent", &["status_sent wamid.out.1 tag-1"]),
    ("status_sent_without_conversation", &["status_sent wamid.out.1 tag-1"]),
    ("status_sent_expiration_number", &["status_sent wamid.out.1 tag-1"]),
    ("status_delivered", &["status_delivered wamid.out.1 tag-1"]),
    ("status_delivered_bsuid_only", &["status_delivered wamid.out.1 tag-1"]),
    ("status_read", &["status_read wamid.out.1 tag-1"]),
    ("status_played", &["status_read wamid.out.1 tag-1"]),
    ("status_failed", &["status_failed wamid.out.1 tag-1; error 131026"]),
    ("status_failed_code_text", &["status_failed wamid.out.1 tag-1; error 131047"]),
    ("status_failed_without_error", &["status_failed wamid.out.1 tag-1"]),
    ("status_without_tag", &["status_delivered wamid.out.1 -"]),
    ("status_timestamp_unreadable", &["status_read wamid.out.1 tag-1; at acceptance"]),
    ("status_deleted", &["ignored_unknown_status"]),
    ("status_new", &["ignored_unknown_status"]),
    ("status_without_status", &[DEAD]),
    ("status_without_id", &[DEAD]),
    ("status_group", &["ignored_group"]),
    // Nothing to do.
    ("value_errors", &["ignored_errors 130429"]),
    ("user_actions", &["ignored_user_actions"]),
    ("empty_value", &["ignored_empty"]),
    ("empty_changes", &["ignored_empty"]),
    ("empty_entry", &["ignored_empty"]),
    ("field_echoes", &["ignored_echo"]),
    ("field_history", &["ignored_history"]),
    ("field_calls", &["call 6281200000042/- at 1794999000000"]),
    ("field_group_lifecycle", &["ignored_group"]),
    ("field_user_preferences", &["ignored_unused_field"]),
    ("field_new", &["ignored_unused_field"]),
    // Our numbers, templates and account.
    (
        "field_number_throughput",
        &[
            "account_number_quality NumberQuality { display_number: Some(\"6281100000119\"), change: ThroughputUpgrade }",
        ],
    ),
    (
        "field_number_flagged",
        &["account_number_quality NumberQuality { display_number: Some(\"6281100000119\"), change: Flagged }"],
    ),
    ("field_account_banned", &["account_update Account { change: Disabled, display_number: None }"]),
    ("field_account_ban_scheduled", &["account_update Account { change: DisablingScheduled, display_number: None }"]),
    (
        "field_account_restricted",
        &["account_update Account { change: Restricted, display_number: Some(\"6281100000119\") }"],
    ),
    ("field_account_other", &["account_update Account { change: Other, display_number: None }"]),
    ("field_account_alert", &["account_alert Alert(Critical)"]),
    ("field_template_paused", &["account_template_status Template { name: Some(\"tiket_dijawab\"), state: Paused }"]),
    (
        "field_template_category",
        &["account_template_category TemplateCategory { name: Some(\"tiket_dijawab\"), category: Marketing }"],
    ),
    ("field_capability", &["account_capability Capability { users_per_day: Some(100000) }"]),
    ("field_capability_unlimited", &["account_capability Capability { users_per_day: None }"]),
    ("field_security", &["account_security Security(PinResetRequested)"]),
    // Many at once.
    (
        "batch_entries_and_changes",
        &[
            "message_text hai",
            "message_sticker; id wamid.in.2",
            "status_read wamid.out.1 tag-1",
            "system_bsuid_updated -/ID.4207318852016634 -> 6281200000043/ID.9914207318852016; no number",
            "status_sent wamid.out.2 tag-1; number 100000000000002",
            "status_delivered wamid.out.2 tag-1; number 100000000000002",
            "account_security Security(PinChanged)",
        ],
    ),
    ("batch_same_message_twice", &["message_text hai", "message_text hai"]),
    (
        "batch_with_a_poisoned_one",
        &[
            "message_text hai",
            DEAD,
            DEAD,
            DEAD,
            "message_text halo; id wamid.in.5",
            DEAD,
            "status_read wamid.out.1 tag-1",
            DEAD,
            "ignored_errors -",
        ],
    ),
    ("not_a_webhook", &[DEAD]),
    ("not_json", &[DEAD]),
];

#[test]
fn every_shape_is_what_the_table_says() {
    let mut wrong = Vec::new();
    for (name, expected) in EXPECTED {
        let body = fs::read(payloads().join(format!("{name}.json"))).expect("a file for each row");
        let found: Vec<String> = decode(&body, ACCEPTED).parts.iter().map(told).collect();
        if found != *expected {
            wrong.push(format!("{name}:\n   found {found:#?}\n   expected {expected:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_has_its_row() {
    let rows: BTreeSet<String> = EXPECTED.iter().map(|(name, _)| format!("{name}.json")).collect();
    assert_eq!(rows.len(), EXPECTED.len(), "a row stands twice");
    let files: BTreeSet<String> = files(&payloads()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(files, rows);
}

#[test]
fn a_dead_update_reads_the_same_again() {
    for (name, body) in files(&payloads()) {
        for part in decode(&body, ACCEPTED).parts {
            if let Part::Dead { reason, bytes } = part {
                let again = decode(&bytes, ACCEPTED).parts;
                assert_eq!(again, vec![Part::Dead { reason, bytes }], "{name}");
            }
        }
    }
}

#[test]
fn nothing_personal_is_printed() {
    for (name, body) in files(&payloads()) {
        let printed = format!("{:?}", decode(&body, ACCEPTED));
        for secret in ["0000042", "0000043", "0000077", "ID.42", "Uji", "halo", "sudah diperbaiki"] {
            assert!(!printed.contains(secret), "{name}: {secret} in {printed}");
        }
    }
}

/// All of a part that the table should pin, short where it is as usual.
fn told(part: &Part) -> String {
    let rest = match part {
        Part::Message(message) => return message_told(message),
        Part::Status(status) => status_told(status),
        Part::System(change) => change_told(change),
        Part::Parent(parent) => format!(" {} of {}", parent.bsuid.0, who(&parent.of)),
        Part::Call(ring) => format!(" {} at {}", who(&ring.from), ring.at.0),
        Part::Account(event) => format!(" {event:?}"),
        Part::Ignored(Ignored::Errors { code }) => format!(" {}", or_dash(*code)),
        Part::Ignored(_) | Part::Dead { .. } => String::new(),
    };
    format!("{}{rest}", part.name())
}

fn message_told(message: &Inbound) -> String {
    let mut told = vec![content_told(&message.content)];
    let from = who(&message.from);
    told.extend((message.id.0 != "wamid.in.1").then(|| format!("id {}", message.id.0)));
    told.extend((from != "6281200000042/-").then(|| format!("from {from}")));
    told.extend((message.to.0.as_ref() != NUMBER).then(|| format!("to {}", message.to.0)));
    told.extend(at_told(message.sent_at));
    told.extend(message.quotes.as_ref().map(|id| format!("quotes {}", id.0)));
    told.join("; ")
}

fn content_told(content: &Content) -> String {
    let rest = match content {
        Content::Text(text) => format!(" {}", text.0),
        Content::Choice { id, title } => format!(" {id}={}", title.0),
        Content::Contacts(phones) => {
            format!(" {}", phones.iter().map(|phone| phone.digits().to_string()).collect::<Vec<_>>().join(" "))
        }
        Content::Edit { original, content } => format!(" {} -> {}", original.0, content_told(content)),
        Content::Revoke { original } => format!(" {}", original.0),
        Content::Voice
        | Content::Photo
        | Content::File
        | Content::Sticker
        | Content::Reaction
        | Content::Location
        | Content::Welcome
        | Content::Unsupported => String::new(),
    };
    format!("{}{rest}", siaga::wire::payload::content_name(content))
}

fn status_told(status: &Status) -> String {
    let MessageId(message) = &status.message;
    let mut told = vec![format!(" {message} {}", status.tag.as_deref().unwrap_or("-"))];
    told.extend(status.error.map(|code| format!("error {code}")));
    told.extend((status.number.0.as_ref() != NUMBER).then(|| format!("number {}", status.number.0)));
    told.extend(at_told(status.at));
    told.join("; ")
}

fn change_told(change: &IdentityChange) -> String {
    let mut told = vec![format!(" {} -> {}", who(&change.old), who(&change.new))];
    told.extend(change.id.as_ref().map(|id| format!("id {}", id.0)));
    let known = change.number.as_ref().is_some_and(|number| number.0.as_ref() == NUMBER);
    told.extend((!known).then(|| "no number".to_owned()));
    told.extend(at_told(change.at));
    told.join("; ")
}

fn at_told(at: Timestamp) -> Option<String> {
    match at {
        SENT => None,
        ACCEPTED => Some("at acceptance".into()),
        Timestamp(other) => Some(format!("at {other}")),
    }
}

fn who(identity: &Identity) -> String {
    let phone = or_dash(identity.phone.map(siaga::domain::phone::Phone::digits));
    format!("{phone}/{}", identity.bsuid.as_ref().map_or("-", |bsuid| bsuid.0.as_str()))
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn payloads() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads")
}

/// Every JSON file of a directory, in order of names.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<(String, Vec<u8>)> = fs::read_dir(directory)
        .expect("a directory of payloads")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "json"))
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).expect("a payload")))
        .collect();
    found.sort();
    found
}

// === anything at all ===============================================================================

/// A change to a body: cut a stretch out, or write other bytes over it.
fn mutation() -> impl Strategy<Value = (prop::sample::Index, prop::sample::Index, Vec<u8>)> {
    let scraps = prop::sample::select(vec![
        "null",
        "{}",
        "[]",
        "7",
        "-1",
        "1e999",
        "true",
        "\"\"",
        "\"\\ud83d\"",
        "\\",
        "\"",
        ",",
        "[[[[",
        "\u{0}",
    ]);
    let bytes =
        prop_oneof![scraps.prop_map(|scrap| scrap.as_bytes().to_vec()), prop::collection::vec(any::<u8>(), 0..6)];
    (any::<prop::sample::Index>(), any::<prop::sample::Index>(), bytes)
}

/// A body's JSON with some of its values replaced: still JSON, seldom a webhook that Meta would send.
fn bent(mut body: serde_json::Value, places: &[(prop::sample::Index, usize)]) -> serde_json::Value {
    let scraps = [
        serde_json::json!(null),
        serde_json::json!([]),
        serde_json::json!({}),
        serde_json::json!(-7),
        serde_json::json!("x"),
        serde_json::json!([null, 1, "a", {}]),
        serde_json::json!(u64::MAX),
    ];
    for (place, scrap) in places {
        let mut pointers = Vec::new();
        walk(&body, String::new(), &mut pointers);
        if let Some(value) = body.pointer_mut(&pointers[place.index(pointers.len())]) {
            *value = scraps[scrap % scraps.len()].clone();
        }
    }
    body
}

fn walk(value: &serde_json::Value, at: String, pointers: &mut Vec<String>) {
    if let Some(list) = value.as_array() {
        list.iter().enumerate().for_each(|(index, item)| walk(item, format!("{at}/{index}"), pointers));
    }
    if let Some(map) = value.as_object() {
        map.iter().for_each(|(key, item)| walk(item, format!("{at}/{key}"), pointers));
    }
    pointers.push(at);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_at_least_one_part(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!decode(&bytes, ACCEPTED).parts.is_empty());
    }

    #[test]
    fn broken_bodies_are_at_least_one_part(
        file in any::<prop::sample::Index>(),
        mutations in prop::collection::vec(mutation(), 1..5),
    ) {
        let files = bodies();
        let mut body = files[file.index(files.len())].clone();
        for (from, to, bytes) in mutations {
            let (from, to) = (from.index(body.len() + 1), to.index(body.len() + 1));
            body.splice(from.min(to)..from.max(to), bytes);
        }
        prop_assert!(!decode(&body, ACCEPTED).parts.is_empty());
    }

    #[test]
    fn bent_bodies_lose_no_neighbour(
        file in any::<prop::sample::Index>(),
        places in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..7), 1..6),
    ) {
        let files = bodies();
        let body = &files[file.index(files.len())];
        let Ok(value) = serde_json::from_slice(body) else { return Ok(()) };
        let mut bent = bent(value, &places);
        // Whatever the bending did, a sound entry behind it still counts.
        let sound: serde_json::Value =
            serde_json::from_slice(&fs::read(payloads().join("text.json")).expect("text.json")).expect("json");
        if !bent.is_object() {
            bent = serde_json::json!({});
        }
        bent["object"] = sound["object"].clone();
        let behind = sound["entry"][0].clone();
        match bent.get_mut("entry").and_then(serde_json::Value::as_array_mut) {
            Some(entries) => entries.push(behind),
            None => bent["entry"] = serde_json::json!([behind]),
        }
        let parts = decode(&serde_json::to_vec(&bent).expect("json"), ACCEPTED).parts;
        let last = parts.last().map(told);
        prop_assert_eq!(last.as_deref(), Some("message_text hai"));
    }
}

fn bodies() -> &'static [Vec<u8>] {
    static BODIES: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    BODIES.get_or_init(|| files(&payloads()).into_iter().map(|(_, body)| body).collect())
}
