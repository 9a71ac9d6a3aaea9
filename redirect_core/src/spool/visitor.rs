//! Who clicked: raw in memory, anonymised in the only form that leaves this file.

use std::hash::Hasher;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use siphasher::sip::SipHasher24;

use crate::spool::salts::Salt;

/// Longest referrer kept, in bytes.
pub const MAX_REFERRER_BYTES: usize = 512;
/// Longest user agent kept, in bytes.
pub const MAX_USER_AGENT_BYTES: usize = 512;
/// Longest language kept, in bytes.
pub const MAX_LANGUAGE_BYTES: usize = 64;
/// Bytes before the texts.
pub const FIXED_BYTES: usize = 20;
/// Bytes of the longest visitor.
pub const MAX_VISITOR_BYTES: usize = FIXED_BYTES + MAX_REFERRER_BYTES + MAX_USER_AGENT_BYTES + MAX_LANGUAGE_BYTES;

const HASH_BYTES: usize = 8;
const ADDRESS_AT: usize = 8;
const FAMILY_AT: usize = 14;
const LANGUAGE_LENGTH_AT: usize = 15;
const REFERRER_LENGTH_AT: usize = 16;
const USER_AGENT_LENGTH_AT: usize = 18;

/// A client and what it said of itself; made once, recorded many times.
pub struct Visitor {
    /// Hashed with each day's salt; never written anywhere.
    address: Option<IpAddr>,
    /// What is recorded: hash, truncated address, lengths, texts.
    encoded: Vec<u8>,
    /// What the hash in `encoded` was made with; `None`: not made yet.
    salt: Option<Salt>,
}

impl Visitor {
    /// A visitor; texts are cut to their limits. `None` for `address`: unknown.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // lengths after the cut
    pub fn new(address: Option<IpAddr>, referrer: &[u8], user_agent: &[u8], language: &[u8]) -> Self {
        let address = address.map(|address| address.to_canonical());
        let referrer = cut(referrer, MAX_REFERRER_BYTES);
        let user_agent = cut(user_agent, MAX_USER_AGENT_BYTES);
        let language = cut(language, MAX_LANGUAGE_BYTES);
        let (family, truncated) = truncate(address);
        let mut fixed = [0; FIXED_BYTES];
        fixed[ADDRESS_AT..FAMILY_AT].copy_from_slice(&truncated);
        fixed[FAMILY_AT] = family;
        fixed[LANGUAGE_LENGTH_AT] = language.len() as u8;
        fixed[REFERRER_LENGTH_AT..USER_AGENT_LENGTH_AT].copy_from_slice(&(referrer.len() as u16).to_le_bytes());
        fixed[USER_AGENT_LENGTH_AT..].copy_from_slice(&(user_agent.len() as u16).to_le_bytes());
        let encoded = [&fixed[..], referrer, user_agent, language].concat();
        Self { address, encoded, salt: None }
    }

    /// The address of 4 or 16 bytes, or none of 0; `Err`: another length.
    ///
    /// # Errors
    /// The length, when no address has it.
    pub fn parse_address(bytes: &[u8]) -> Result<Option<IpAddr>, usize> {
        if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
            return Ok(Some(Ipv4Addr::from(octets).into()));
        }
        if let Ok(octets) = <[u8; 16]>::try_from(bytes) {
            return Ok(Some(Ipv6Addr::from(octets).into()));
        }
        if bytes.is_empty() { Ok(None) } else { Err(bytes.len()) }
    }

    /// What it calls itself.
    #[must_use]
    pub fn user_agent(&self) -> &[u8] {
        user_agent(&self.encoded)
    }

    /// What is recorded of many visitors of whom this alone is known.
    #[must_use]
    pub fn nameless(user_agent: &[u8]) -> Vec<u8> {
        Self::new(None, b"", user_agent, b"").encoded
    }

    /// What may be recorded: address cut to /24 or /48, and a hash that only `salt`'s day can tell again.
    #[inline]
    pub fn anonymised(&mut self, salt: Salt) -> &[u8] {
        if self.salt != Some(salt) {
            let hash = self.hash(salt);
            self.encoded[..HASH_BYTES].copy_from_slice(&hash.to_le_bytes());
            self.salt = Some(salt);
        }
        &self.encoded
    }

    fn hash(&self, salt: Salt) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&salt.0);
        match self.address {
            Some(IpAddr::V4(address)) => hasher.write(&address.octets()),
            Some(IpAddr::V6(address)) => hasher.write(&address.octets()),
            None => {}
        }
        hasher.write_u8(self.encoded[FAMILY_AT]); // where the address ends
        hasher.write(self.user_agent());
        hasher.finish()
    }
}

fn cut(text: &[u8], limit: usize) -> &[u8] {
    &text[..text.len().min(limit)]
}

/// The address's family (4, 6; 0: unknown) and its first 24 or 48 bits.
fn truncate(address: Option<IpAddr>) -> (u8, [u8; 6]) {
    match address {
        Some(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            (4, [a, b, c, 0, 0, 0])
        }
        Some(IpAddr::V6(address)) => {
            let octets = address.octets();
            (6, *octets.first_chunk().unwrap_or(&[0; 6]))
        }
        None => (0, [0; 6]),
    }
}

/// True if the lengths within `encoded` add up to its own.
pub fn is_whole(encoded: &[u8]) -> bool {
    lengths(encoded)
        .is_some_and(|(referrer, user_agent, language)| encoded.len() == FIXED_BYTES + referrer + user_agent + language)
}

/// The user agent of a recorded visitor; empty when there is none.
pub fn user_agent(encoded: &[u8]) -> &[u8] {
    lengths(encoded)
        .and_then(|(referrer, user_agent, _)| encoded.get(FIXED_BYTES + referrer..FIXED_BYTES + referrer + user_agent))
        .unwrap_or_default()
}

/// Lengths of referrer, user agent and language.
fn lengths(encoded: &[u8]) -> Option<(usize, usize, usize)> {
    let fixed: &[u8; FIXED_BYTES] = encoded.first_chunk()?;
    Some((
        usize::from(u16::from_le_bytes([fixed[REFERRER_LENGTH_AT], fixed[REFERRER_LENGTH_AT + 1]])),
        usize::from(u16::from_le_bytes([fixed[USER_AGENT_LENGTH_AT], fixed[USER_AGENT_LENGTH_AT + 1]])),
        usize::from(fixed[LANGUAGE_LENGTH_AT]),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: Salt = Salt([1; 16]);
    const TUESDAY: Salt = Salt([2; 16]);

    fn visitor(address: &[u8]) -> Visitor {
        let address = Visitor::parse_address(address).ok().flatten();
        Visitor::new(address, b"https://example.com/", b"Firefox", b"de")
    }

    fn hash(visitor: &mut Visitor, salt: Salt) -> Vec<u8> {
        visitor.anonymised(salt)[..HASH_BYTES].to_vec()
    }

    #[test]
    fn the_host_part_of_an_address_is_not_recorded() {
        let encoded = visitor(&[203, 0, 113, 77]).anonymised(MONDAY).to_vec();
        assert_eq!(encoded[ADDRESS_AT..=FAMILY_AT], [203, 0, 113, 0, 0, 0, 4]);
        let address = "2001:db8:1:2::77".parse::<Ipv6Addr>().map(|address| address.octets());
        let encoded = visitor(&address.unwrap_or_default()).anonymised(MONDAY).to_vec();
        assert_eq!(encoded[ADDRESS_AT..=FAMILY_AT], [0x20, 0x01, 0x0d, 0xb8, 0, 1, 6]);
        let encoded = visitor(&[]).anonymised(MONDAY).to_vec();
        assert_eq!(encoded[ADDRESS_AT..=FAMILY_AT], [0; 7]);
    }

    #[test]
    fn an_ipv4_address_in_ipv6_is_one_visitor_with_itself() {
        let mapped = Ipv4Addr::new(203, 0, 113, 77).to_ipv6_mapped().octets();
        assert_eq!(visitor(&mapped).anonymised(MONDAY), visitor(&[203, 0, 113, 77]).anonymised(MONDAY));
    }

    #[test]
    fn a_visitor_is_known_again_on_the_same_day_only() {
        let mut one = visitor(&[203, 0, 113, 77]);
        let first = hash(&mut one, MONDAY);
        assert_eq!(hash(&mut visitor(&[203, 0, 113, 77]), MONDAY), first);
        assert_ne!(hash(&mut visitor(&[203, 0, 113, 78]), MONDAY), first);
        assert_ne!(hash(&mut one, TUESDAY), first);
        assert_eq!(hash(&mut one, MONDAY), first);
    }

    #[test]
    fn texts_are_cut_to_their_limits() {
        let long = [b'x'; 2_000];
        let mut one = Visitor::new(None, &long, &long, &long);
        let encoded = one.anonymised(MONDAY);
        assert_eq!(encoded.len(), MAX_VISITOR_BYTES);
        assert!(is_whole(encoded));
        assert_eq!(user_agent(encoded), &long[..MAX_USER_AGENT_BYTES]);
        assert!(is_whole(&Visitor::nameless(&long)));
    }

    #[test]
    fn an_address_has_0_4_or_16_bytes() {
        assert_eq!(Visitor::parse_address(&[]), Ok(None));
        assert_eq!(Visitor::parse_address(&[0; 5]), Err(5));
        assert!(Visitor::parse_address(&[0; 4]).is_ok_and(|address| address.is_some()));
    }
}
