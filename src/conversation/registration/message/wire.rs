//! What the messages look like on the wire: JSON objects without a type, told apart by their fields.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::ErrorCode;
use crate::conversation::registration::PublicKey;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer<'a> {
    pub(super) public_key: Cow<'a, str>,
    pub(super) response: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Said<'a> {
    pub(super) text: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<PublicKey>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Challenged<'a> {
    pub(super) challenge: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verdict<'a> {
    pub(super) public_key: Cow<'a, str>,
    pub(super) response: Cow<'a, str>,
    pub(super) accepted: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Rejected<'a> {
    #[serde(flatten)]
    pub(super) verdict: Verdict<'a>,
    pub(super) retries: u32,
    pub(super) challenge: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Heard<'a> {
    pub(super) from: PublicKey,
    pub(super) text: Cow<'a, str>,
    pub(super) timestamp: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Delivered {
    pub(super) delivered: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Error<'a> {
    pub(super) error: ErrorCode,
    #[serde(default)]
    pub(super) message: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retry_after_ms: Option<u64>,
}
