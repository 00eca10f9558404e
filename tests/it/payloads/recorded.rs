//! Bodies that others recorded or published, and what each is to us.
//!
//! They are not ours to publish, so they lie beside the repository (`../shared/wac/webhook`) and are read only
//! where they are at hand. Several have placeholders where a sender's number stands, and so name nobody.

use std::path::{Path, PathBuf};

use siaga::wire::payload::{Part, decode};

use super::{ACCEPTED, files};

const RECORDED: &[(&str, &[&str])] = &[
    ("audio__metadocs", &["message_voice"]),
    ("batch_group_statuses_same_id__metawhatsapprs", &["ignored_group", "ignored_group", "ignored_group"]),
    (
        "batch_three_changes__piusalfred",
        &["message_text", "message_location", "message_reaction", "message_sticker", "ignored_unused_field"],
    ),
    ("batch_two_changes__netflie", &["dead_no_sender", "dead_no_sender"]),
    ("batch_two_messages__piusalfred", &["message_text", "message_reaction"]),
    ("bsuid_status_delivered_bsuid_only_jun2026__metadocs", &["status_delivered"]),
    ("bsuid_status_delivered_to_phone__metadocs", &["status_delivered"]),
    ("bsuid_status_delivered_to_phone_jun2026__metadocs", &["status_delivered"]),
    ("bsuid_status_failed_no_contacts_jun2026__metadocs", &["status_failed"]),
    ("bsuid_text_all_ids__vercelchat", &["message_text", "parent_bsuid"]),
    ("bsuid_text_no_identity__courier", &["dead_no_sender"]),
    ("bsuid_text_username_no_phone__metadocs", &["message_text"]),
    ("button_did_not_request_code__metadocs", &["message_choice"]),
    ("button_quick_reply__bindambc", &["message_choice"]),
    ("button_quick_reply__metadocs", &["message_choice"]),
    ("button_with_referral_int_timestamp__netflie", &["message_choice"]),
    ("contacts__metadocs", &["message_contacts"]),
    ("contacts__pywa", &["message_contacts", "parent_bsuid"]),
    ("document__metadocs", &["message_file"]),
    ("edit__pywa", &["message_edit", "parent_bsuid"]),
    ("field_account_alerts__metadocs", &["account_alert"]),
    ("field_account_review_update__metadocs", &["ignored_unused_field"]),
    ("field_account_settings_update__piusalfred", &["ignored_unused_field"]),
    ("field_account_update_disabled__bindambc", &["account_update"]),
    ("field_account_update_pricing_tier__pywa", &["account_update"]),
    ("field_account_update_restriction__bindambc", &["account_update"]),
    ("field_business_capability_update__metadocs", &["account_capability"]),
    ("field_calls_connect__pywa", &["call"]),
    ("field_history__metadocs", &["ignored_history"]),
    ("field_payment_configuration__metadocs", &["ignored_unused_field"]),
    ("field_phone_number_name_update__metadocs", &["ignored_unused_field"]),
    ("field_phone_number_quality_update__metadocs", &["account_number_quality"]),
    ("field_security_pin__metadocs", &["account_security"]),
    ("field_smb_app_state_sync__metadocs", &["ignored_unused_field"]),
    ("field_smb_message_echoes__pywa", &["ignored_echo"]),
    ("field_template_category__metadocs", &["account_template_category"]),
    ("field_template_components__metadocs", &["ignored_unused_field"]),
    ("field_template_status_rejected__bindambc", &["account_template_status"]),
    ("field_user_id_update__vercelchat", &["system_bsuid_updated"]),
    ("field_user_preferences__metadocs", &["ignored_unused_field"]),
    ("image__pywa", &["message_photo", "parent_bsuid"]),
    ("image_caption__metadocs", &["message_photo"]),
    ("interactive_button_reply__metadocs", &["message_choice"]),
    ("interactive_button_reply__pywa", &["message_choice", "parent_bsuid"]),
    ("interactive_list_reply__metadocs", &["message_choice"]),
    ("interactive_nfm_reply__pywa", &["message_unsupported", "parent_bsuid"]),
    ("interactive_payment_method__metadocs", &["dead_no_sender"]),
    ("invalid_timestamp__courier", &["dead_no_sender"]),
    ("location__metadocs", &["message_location"]),
    ("location_current__pywa", &["message_location", "parent_bsuid"]),
    ("location_request_answer__metadocs", &["message_location"]),
    ("openapi_button_message", &["message_choice"]),
    ("openapi_contact_sharing_message", &["message_contacts"]),
    ("openapi_group_create_message", &["ignored_group"]),
    ("openapi_group_remove_participants", &["ignored_group"]),
    ("openapi_group_settings_update", &["ignored_group"]),
    ("openapi_image_message", &["message_photo"]),
    ("openapi_interactive_button_reply_message", &["message_choice"]),
    ("openapi_interactive_list_reply_message", &["message_choice"]),
    ("openapi_location_message", &["message_location"]),
    ("openapi_order_message", &["message_unsupported"]),
    ("openapi_reaction_message", &["message_reaction"]),
    ("openapi_system_message", &["system_phone_changed"]),
    ("openapi_text_message", &["message_text"]),
    ("openapi_text_message_from_click_to_whatsapp_ad", &["message_text"]),
    ("openapi_text_message_with_context_product_inquiry", &["message_text"]),
    ("openapi_unsupported_message", &["message_unsupported"]),
    ("order__metadocs", &["message_unsupported"]),
    ("reaction_removed_empty__pywa", &["message_reaction", "parent_bsuid"]),
    ("status_biz_opaque__pywa", &["status_sent"]),
    ("status_deleted__courier", &["ignored_unknown_status"]),
    ("status_failed_131049__metadocs", &["status_failed"]),
    ("status_failed_media_upload__bindambc", &["status_failed"]),
    ("status_failed_reengagement__bindambc", &["status_failed"]),
    ("status_played__pywa", &["status_read"]),
    ("status_read__pywa", &["status_read"]),
    ("status_sent_pmp_conversation__metadocs", &["status_sent"]),
    ("status_sent_v24_minimal__metadocs", &["status_sent"]),
    ("sticker__metadocs", &["message_sticker"]),
    ("sticker_static__pywa", &["message_sticker", "parent_bsuid"]),
    ("system_user_changed_number__metadocs", &["system_phone_changed"]),
    ("system_user_changed_number_bsuid__vercelchat", &["system_phone_changed"]),
    ("system_v1__netflie", &["dead_no_sender"]),
    ("text__bindambc", &["message_text"]),
    ("text__bindambc2", &["message_text"]),
    ("text_forwarded_only_context__netflie", &["message_text"]),
    ("text_referral_ctwa__metadocs", &["message_text"]),
    ("text_reply__pywa", &["message_text", "parent_bsuid"]),
    ("unknown__netflie", &["dead_no_sender"]),
    ("unknown_field__piusalfred", &["ignored_unused_field"]),
    ("unsupported__pywa", &["message_unsupported", "parent_bsuid"]),
    ("unsupported_edit__metadocs", &["message_unsupported"]),
    ("unsupported_message_deleted__bindambc", &["message_unsupported"]),
    ("value_errors_130429__metadocs", &["ignored_errors"]),
    ("video__metadocs", &["message_file"]),
];

#[test]
fn recorded_bodies_are_what_the_table_says() {
    let Some(directory) = recorded() else { return };
    let bodies = files(&directory);
    assert_eq!(bodies.len(), RECORDED.len());
    let mut wrong = Vec::new();
    for (name, body) in bodies {
        let found: Vec<&str> = decode(&body, ACCEPTED).parts.iter().map(Part::name).collect();
        match RECORDED.iter().find(|(file, _)| format!("{file}.json") == name) {
            Some((_, expected)) if found == *expected => {}
            Some((_, expected)) => wrong.push(format!("{name}: found {found:?}, expected {expected:?}")),
            None => wrong.push(format!("{name} has no row; found {found:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn recorded() -> Option<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/wac/webhook");
    directory.is_dir().then_some(directory)
}
