//! The Cloud API's bytes: signature, webhook payloads, requests, and the table of error codes (cloud-api.md).
