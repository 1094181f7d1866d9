//! The page of `wsbeat serve` in a real browser: every tab does what it is for.

#![cfg(unix)]

mod access;
mod challenge;
mod chat;
mod clients;
mod driver;
mod keyboard;
mod latency;
mod looks;
mod page;
mod registration;
mod socket;
#[path = "../support/mod.rs"]
mod support;
