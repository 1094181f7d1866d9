//! The page of `wsbeat serve` in a real browser: every tab does what it is for.

#![cfg(unix)]

mod access;
mod clients;
mod driver;
mod keyboard;
mod page;
mod socket;
#[path = "../support/mod.rs"]
mod support;
