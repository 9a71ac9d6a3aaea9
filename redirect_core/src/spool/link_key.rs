//! A record's link in one string of bytes: one look-up finds it, and most codes are never unpacked.

use crate::spool::record::{Record, StoredCode};

const PACKED: u8 = 0;
const RAW: u8 = 1;
const DOMAIN_LENGTH_AT: usize = 1;
const DOMAIN_AT: usize = 2;

/// Append the key of a record's link.
#[allow(clippy::cast_possible_truncation)] // a domain has at most 255 bytes
pub fn push(out: &mut Vec<u8>, record: &Record<'_>) {
    out.push(if matches!(record.code, StoredCode::Packed(_)) { PACKED } else { RAW });
    out.push(record.domain.len() as u8);
    out.extend_from_slice(record.domain);
    match record.code {
        StoredCode::Packed(number) => out.extend_from_slice(&number.to_le_bytes()),
        StoredCode::Raw(text) => out.extend_from_slice(text),
    }
}

/// Domain and code of a key that `push` made.
pub fn parts(key: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (domain, code) = key[DOMAIN_AT..].split_at(usize::from(key[DOMAIN_LENGTH_AT]));
    let code = match (key[0], code.first_chunk()) {
        (PACKED, Some(&number)) => StoredCode::Packed(u64::from_le_bytes(number)),
        _ => StoredCode::Raw(code),
    };
    (domain.to_vec(), code.text())
}
