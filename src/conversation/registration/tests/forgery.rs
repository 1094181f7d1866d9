//! Keys and signatures that are not what they look like.

use super::*;

/// A key and a response, as they are written.
pub(super) type Answer = (String, String);

/// y = 1 and x = 0: the neutral element, as RFC 8032 writes it.
pub(super) const IDENTITY: [u8; 32] = with_ends([0; 32], 1, 0);
/// The same with y + p, where p = 2^255 - 19.
pub(super) const IDENTITY_AGAIN: [u8; 32] = with_ends([0xff; 32], 0xee, 0x7f);
/// y = -1.
pub(super) const ORDER_2: [u8; 32] = with_ends([0xff; 32], 0xec, 0x7f);
/// One of the four points of order 8, from the tables of curve25519.
pub(super) const ORDER_8: [u8; 32] = [
    0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
    0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
];
/// y = 2 is on no point of the curve.
pub(super) const NO_POINT: [u8; 32] = with_ends([0; 32], 2, 0);

const fn with_ends(mut bytes: [u8; 32], first: u8, last: u8) -> [u8; 32] {
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// R = 0 and S = 0: S·B = R + k·A for A = 0 whatever was signed, and for every eighth string with any
/// other key of a small group.
pub(super) fn weak_answer(key: [u8; 32]) -> Answer {
    let mut response = [0; 64];
    response[0] = 1;
    (
        PublicKey::new(key).to_string(),
        Response::new(response).to_string(),
    )
}

/// Adds the order of the group to S: modulo that order it is the same.
pub(super) fn plus_order(mut response: [u8; 64]) -> [u8; 64] {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, added) in response[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(added) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    response
}

pub(super) fn flipped(mut response: [u8; 64], byte: usize) -> [u8; 64] {
    response[byte] ^= 1;
    response
}

/// Sets the lowest bit of the last character, which is no part of the bytes.
pub(super) fn trail(text: &mut String) {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = text.pop().unwrap();
    let value = ALPHABET
        .iter()
        .position(|it| char::from(*it) == last)
        .unwrap();
    assert_eq!(value & 1, 0);
    text.push(char::from(ALPHABET[value | 1]));
}

/// Writes a text in the other alphabet.
pub(super) fn plain(text: &mut String) {
    let other = text.replace('-', "+").replace('_', "/");
    assert_ne!(other, *text);
    *text = other;
}
