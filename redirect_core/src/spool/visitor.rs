//! Who clicked: raw in memory, anonymised in the only form that leaves this file.

use std::fmt;
use std::hash::Hasher;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use siphasher::sip::SipHasher24;

use crate::spool::salts::Salt;

/// Longest referrer kept, in bytes.
pub const MAX_REFERRER_BYTES: usize = 512;
/// Longest user agent kept, in bytes.
pub const MAX_USER_AGENT_BYTES: usize = 512;
/// Longest language kept, in bytes.
pub const MAX_LANGUAGE_BYTES: usize = 64;
/// Bytes before the texts, and before what of a whole IPv6 address has no place among them.
pub const FIXED_BYTES: usize = 20;
/// Bytes of the longest visitor.
pub const MAX_VISITOR_BYTES: usize =
    FIXED_BYTES + ADDRESS_REST_BYTES + MAX_REFERRER_BYTES + MAX_USER_AGENT_BYTES + MAX_LANGUAGE_BYTES;

const HASH_BYTES: usize = 8;
const ADDRESS_AT: usize = 8;
const KIND_AT: usize = 14;
const LANGUAGE_LENGTH_AT: usize = 15;
const REFERRER_LENGTH_AT: usize = 16;
const USER_AGENT_LENGTH_AT: usize = 18;
const ADDRESS_BYTES: usize = KIND_AT - ADDRESS_AT;
const ADDRESS_REST_BYTES: usize = 16 - ADDRESS_BYTES;

// Kinds of addresses. Version 1 of the format knew the first three.
const UNKNOWN: u8 = 0;
const NETWORK_V4: u8 = 4;
const NETWORK_V6: u8 = 6;
const WHOLE_V4: u8 = 14;
const WHOLE_V6: u8 = 16;

/// How much of an address may be recorded: `EDGE302_IP_PRIVACY`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Privacy {
    /// Its network: /24 or /48.
    #[default]
    Truncate,
    /// Nothing.
    Drop,
    /// All of it.
    Full,
}

impl FromStr for Privacy {
    type Err = ();

    /// The words of the setting.
    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "truncate" => Ok(Self::Truncate),
            "drop" => Ok(Self::Drop),
            "full" => Ok(Self::Full),
            _ => Err(()),
        }
    }
}

/// An address as far as it was recorded; its text is `203.0.113.0/24`, `2001:db8:1::/48`, the whole one, or nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Address {
    /// Not known, or not kept.
    Unknown,
    /// A network of 256 IPv4 addresses: its first.
    NetworkV4(Ipv4Addr),
    /// A /48 of IPv6: its first address.
    NetworkV6(Ipv6Addr),
    /// All of it.
    Whole(IpAddr),
}

impl Address {
    fn kept(address: Option<IpAddr>, privacy: Privacy) -> Self {
        match (address, privacy) {
            (None, _) | (_, Privacy::Drop) => Self::Unknown,
            (Some(address), Privacy::Full) => Self::Whole(address),
            (Some(IpAddr::V4(address)), Privacy::Truncate) => {
                let [a, b, c, _] = address.octets();
                Self::NetworkV4(Ipv4Addr::new(a, b, c, 0))
            }
            (Some(IpAddr::V6(address)), Privacy::Truncate) => {
                let [a, b, c, ..] = address.segments();
                Self::NetworkV6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
            }
        }
    }

    /// Its kind, and its octets.
    fn encoded(self) -> (u8, [u8; 16]) {
        match self {
            Self::Unknown => (UNKNOWN, [0; 16]),
            Self::NetworkV4(address) => (NETWORK_V4, padded(address)),
            Self::NetworkV6(address) => (NETWORK_V6, address.octets()),
            Self::Whole(IpAddr::V4(address)) => (WHOLE_V4, padded(address)),
            Self::Whole(IpAddr::V6(address)) => (WHOLE_V6, address.octets()),
        }
    }

    fn decode(kind: u8, octets: [u8; 16]) -> Self {
        let [a, b, c, d, ..] = octets;
        match kind {
            NETWORK_V4 => Self::NetworkV4(Ipv4Addr::new(a, b, c, 0)),
            NETWORK_V6 => Self::NetworkV6(octets.into()),
            WHOLE_V4 => Self::Whole(Ipv4Addr::new(a, b, c, d).into()),
            WHOLE_V6 => Self::Whole(IpAddr::V6(octets.into())),
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => Ok(()),
            Self::NetworkV4(address) => write!(out, "{address}/24"),
            Self::NetworkV6(address) => write!(out, "{address}/48"),
            Self::Whole(address) => write!(out, "{address}"),
        }
    }
}

fn padded(address: Ipv4Addr) -> [u8; 16] {
    let mut octets = [0; 16];
    octets[..4].copy_from_slice(&address.octets());
    octets
}

/// A client and what it said of itself; made once, recorded many times.
pub struct Visitor {
    /// Hashed with each day's salt; never written anywhere unless all of it may be kept.
    address: Option<IpAddr>,
    /// What is recorded: hash, what is kept of the address, lengths, texts.
    encoded: Vec<u8>,
    /// False: it is not to be known again, so its hash stays 0.
    is_hashed: bool,
    /// What the hash in `encoded` was made with; `None`: not made yet.
    salt: Option<Salt>,
}

impl Visitor {
    /// A visitor; texts are cut to their limits. `None` for `address`: unknown.
    #[must_use]
    pub fn new(address: Option<IpAddr>, privacy: Privacy, referrer: &[u8], user_agent: &[u8], language: &[u8]) -> Self {
        let address = address.map(|address| address.to_canonical());
        let encoded = encode(Address::kept(address, privacy), referrer, user_agent, language);
        Self { address, encoded, is_hashed: true, salt: None }
    }

    /// A visitor of whom nothing is recorded but the user agent, which the click's class hangs on.
    #[must_use]
    pub fn untracked(user_agent: &[u8]) -> Self {
        let encoded = encode(Address::Unknown, b"", user_agent, b"");
        Self { address: None, encoded, is_hashed: false, salt: None }
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
        Self::untracked(user_agent).encoded
    }

    /// What may be recorded: what is kept of the address, and a hash that only `salt`'s day can tell again.
    #[inline]
    pub fn anonymised(&mut self, salt: Salt) -> &[u8] {
        if self.salt != Some(salt) {
            if self.is_hashed {
                let hash = self.hash(salt);
                self.encoded[..HASH_BYTES].copy_from_slice(&hash.to_le_bytes());
            }
            self.salt = Some(salt);
        }
        &self.encoded
    }

    fn hash(&self, salt: Salt) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&salt.0);
        let family = match self.address {
            Some(IpAddr::V4(address)) => {
                hasher.write(&address.octets());
                4
            }
            Some(IpAddr::V6(address)) => {
                hasher.write(&address.octets());
                6
            }
            None => 0,
        };
        hasher.write_u8(family); // where the address ends
        hasher.write(self.user_agent());
        hasher.finish()
    }
}

fn cut(text: &[u8], limit: usize) -> &[u8] {
    &text[..text.len().min(limit)]
}

#[allow(clippy::cast_possible_truncation)] // lengths after the cut
fn encode(address: Address, referrer: &[u8], user_agent: &[u8], language: &[u8]) -> Vec<u8> {
    let referrer = cut(referrer, MAX_REFERRER_BYTES);
    let user_agent = cut(user_agent, MAX_USER_AGENT_BYTES);
    let language = cut(language, MAX_LANGUAGE_BYTES);
    let (kind, octets) = address.encoded();
    let (first, rest) = octets.split_at(ADDRESS_BYTES);
    let mut fixed = [0; FIXED_BYTES];
    fixed[ADDRESS_AT..KIND_AT].copy_from_slice(first);
    fixed[KIND_AT] = kind;
    fixed[LANGUAGE_LENGTH_AT] = language.len() as u8;
    fixed[REFERRER_LENGTH_AT..USER_AGENT_LENGTH_AT].copy_from_slice(&(referrer.len() as u16).to_le_bytes());
    fixed[USER_AGENT_LENGTH_AT..].copy_from_slice(&(user_agent.len() as u16).to_le_bytes());
    [&fixed[..], &rest[..rest_bytes(kind)], referrer, user_agent, language].concat()
}

// Of a recorded visitor; what is none has nothing.

/// True if the lengths within `encoded` add up to its own.
pub fn is_whole(encoded: &[u8]) -> bool {
    Places::of(encoded).is_some_and(|places| places.end == encoded.len())
}

/// By what it is known again on the same UTC day, and on no other; 0: not at all.
pub fn hash(encoded: &[u8]) -> u64 {
    encoded.first_chunk().map_or(0, |&bytes| u64::from_le_bytes(bytes))
}

/// What is kept of its address.
pub fn address(encoded: &[u8]) -> Address {
    let Some(fixed) = encoded.first_chunk::<FIXED_BYTES>() else {
        return Address::Unknown;
    };
    let mut octets = [0; 16];
    octets[..ADDRESS_BYTES].copy_from_slice(&fixed[ADDRESS_AT..KIND_AT]);
    let rest = rest_bytes(fixed[KIND_AT]);
    if let Some(bytes) = encoded.get(FIXED_BYTES..FIXED_BYTES + rest) {
        octets[ADDRESS_BYTES..ADDRESS_BYTES + rest].copy_from_slice(bytes);
    }
    Address::decode(fixed[KIND_AT], octets)
}

/// Its referrer; empty when there is none, as the next two.
pub fn referrer(encoded: &[u8]) -> &[u8] {
    Places::of(encoded).and_then(|places| encoded.get(places.referrer..places.user_agent)).unwrap_or_default()
}

/// What it calls itself.
pub fn user_agent(encoded: &[u8]) -> &[u8] {
    Places::of(encoded).and_then(|places| encoded.get(places.user_agent..places.language)).unwrap_or_default()
}

/// Its Accept-Language.
pub fn language(encoded: &[u8]) -> &[u8] {
    Places::of(encoded).and_then(|places| encoded.get(places.language..places.end)).unwrap_or_default()
}

/// Where a recorded visitor's texts begin, and where the last one ends.
struct Places {
    referrer: usize,
    user_agent: usize,
    language: usize,
    end: usize,
}

impl Places {
    #[inline]
    fn of(encoded: &[u8]) -> Option<Self> {
        let fixed: &[u8; FIXED_BYTES] = encoded.first_chunk()?;
        let length = |at: usize| usize::from(u16::from_le_bytes([fixed[at], fixed[at + 1]]));
        let referrer = FIXED_BYTES + rest_bytes(fixed[KIND_AT]);
        let user_agent = referrer + length(REFERRER_LENGTH_AT);
        let language = user_agent + length(USER_AGENT_LENGTH_AT);
        Some(Self { referrer, user_agent, language, end: language + usize::from(fixed[LANGUAGE_LENGTH_AT]) })
    }
}

/// Bytes of an address of this kind that follow the fixed ones.
fn rest_bytes(kind: u8) -> usize {
    if kind == WHOLE_V6 { ADDRESS_REST_BYTES } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: Salt = Salt([1; 16]);
    const TUESDAY: Salt = Salt([2; 16]);

    fn visitor(address: &[u8]) -> Visitor {
        private(address, Privacy::Truncate)
    }

    fn private(address: &[u8], privacy: Privacy) -> Visitor {
        let address = Visitor::parse_address(address).ok().flatten();
        Visitor::new(address, privacy, b"https://example.com/", b"Firefox", b"de")
    }

    fn hash(visitor: &mut Visitor, salt: Salt) -> Vec<u8> {
        visitor.anonymised(salt)[..HASH_BYTES].to_vec()
    }

    #[test]
    fn the_host_part_of_an_address_is_not_recorded() {
        assert_eq!(kept(&[203, 0, 113, 77], Privacy::Truncate), "203.0.113.0/24");
        assert_eq!(
            kept(&[0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0x77], Privacy::Truncate),
            "2001:db8:1::/48"
        );
        assert_eq!(kept(&[], Privacy::Truncate), "");
    }

    #[test]
    fn an_address_is_kept_whole_or_not_at_all_where_that_is_chosen() {
        let v6 = [0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0x77];
        assert_eq!(kept(&[203, 0, 113, 77], Privacy::Full), "203.0.113.77");
        assert_eq!(kept(&v6, Privacy::Full), "2001:db8:1:2::77");
        assert_eq!(kept(&[203, 0, 113, 77], Privacy::Drop), "");
        assert_eq!(kept(&v6, Privacy::Drop), "");
        for address in [&v6[..], &[203, 0, 113, 77], &[]] {
            let hashes = [Privacy::Truncate, Privacy::Drop, Privacy::Full]
                .map(|privacy| super::hash(private(address, privacy).anonymised(MONDAY)));
            assert!(hashes[0] != 0 && hashes == [hashes[0]; 3], "{hashes:?}");
        }
    }

    fn kept(address: &[u8], privacy: Privacy) -> String {
        let mut visitor = private(address, privacy);
        let encoded = visitor.anonymised(MONDAY);
        assert!(is_whole(encoded));
        assert_eq!(referrer(encoded), b"https://example.com/");
        assert_eq!((user_agent(encoded), language(encoded)), (&b"Firefox"[..], &b"de"[..]));
        super::address(encoded).to_string()
    }

    #[test]
    fn of_an_untracked_visitor_only_the_user_agent_is_recorded() {
        let mut one = Visitor::untracked(b"Firefox");
        let encoded = one.anonymised(MONDAY);
        assert_eq!(encoded, Visitor::nameless(b"Firefox"));
        assert_eq!((super::hash(encoded), super::address(encoded)), (0, Address::Unknown));
        assert_eq!((referrer(encoded), user_agent(encoded), language(encoded)), (&[][..], &b"Firefox"[..], &[][..]));
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
        let whole = Some(IpAddr::from([0xff; 16]));
        let mut one = Visitor::new(whole, Privacy::Full, &long, &long, &long);
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
