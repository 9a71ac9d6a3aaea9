//! Whose request it is: the peer's address, or the one that a trusted proxy names.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::http::fields::trim;

/// The network that a budget belongs to: a /24 of IPv4, a /64 of IPv6.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Network {
    family: u8,
    bits: u64,
}

impl Network {
    /// The network of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self { family: 4, bits: u64::from(address.to_bits() >> 8) },
            #[allow(clippy::cast_possible_truncation)] // the upper half of 128 bits
            IpAddr::V6(address) => Self { family: 6, bits: (address.to_bits() >> 64) as u64 },
        }
    }
}

/// Finds clients behind the proxies that the operator trusts.
pub struct ClientAddresses {
    trusted: Vec<IpNet>,
}

impl ClientAddresses {
    /// `trusted`: networks of proxies.
    #[must_use]
    pub fn new(trusted: Vec<IpNet>) -> Self {
        Self { trusted }
    }

    /// True when this address's word counts.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// The client behind a trusted peer: the right-most address that is no trusted proxy's; `None`: nobody knows.
    ///
    /// X-Forwarded-For wins over Forwarded: a proxy that sets only the former passes on whatever its client
    /// wrote into the latter.
    #[must_use]
    pub fn client(
        &self,
        peer: Option<IpAddr>,
        forwarded_for: Option<&[u8]>,
        forwarded: Option<&[u8]>,
    ) -> Option<IpAddr> {
        if let Some(list) = forwarded_for {
            return self.nearest(peer, list.rsplit(|&byte| byte == b',').map(|part| without_port(trim(part))));
        }
        let elements = split_quoted(forwarded.unwrap_or_default(), b',');
        self.nearest(peer, elements.into_iter().rev().map(|element| without_port(for_of(element))))
    }

    fn nearest<'a>(&self, peer: Option<IpAddr>, hops: impl Iterator<Item = &'a [u8]>) -> Option<IpAddr> {
        let mut nearest = peer;
        for hop in hops {
            // A name, `unknown` or nonsense: what stands left of it can't be believed.
            let Some(address) = std::str::from_utf8(hop).ok().and_then(parse_address) else {
                return nearest;
            };
            nearest = Some(address);
            if !self.trusts(address) {
                return nearest;
            }
        }
        nearest
    }
}

/// An IP address without its zone, an IPv4-mapped one as IPv4; `None`: it is none.
#[must_use]
pub fn parse_address(text: &str) -> Option<IpAddr> {
    let plain = match text.split_once('%') {
        Some((address, zone)) if address.contains(':') && !zone.is_empty() && !zone.contains('%') => address,
        _ => text,
    };
    plain.parse::<IpAddr>().ok().map(|address| match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    })
}

/// `192.0.2.1:80`, `[2001:db8::1]:80`, `[2001:db8::1]` and bare addresses (RFC 7239 §6).
fn without_port(node: &[u8]) -> &[u8] {
    let is_port = |text: &[u8]| matches!(text, [b':', digits @ ..] if (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit));
    let is_v4 = |text: &[u8]| !text.is_empty() && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    if let Some(inner) = node.strip_prefix(b"[") {
        if let Some(end) = memchr::memchr(b']', inner) {
            let (address, rest) = (&inner[..end], &inner[end + 1..]);
            let is_v6 = !address.is_empty()
                && address.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
            if is_v6 && (rest.is_empty() || is_port(rest)) {
                return address;
            }
        }
    } else if let Some(colon) = memchr::memchr(b':', node) {
        if is_v4(&node[..colon]) && is_port(&node[colon..]) {
            return &node[..colon];
        }
    }
    node
}

/// The `for` of one element of a Forwarded field (RFC 7239 §4); empty if it has none.
fn for_of(element: &[u8]) -> &[u8] {
    split_quoted(element, b';')
        .into_iter()
        .find_map(|pair| {
            let equals = memchr::memchr(b'=', pair)?;
            trim(&pair[..equals]).eq_ignore_ascii_case(b"for").then(|| unquoted(&pair[equals + 1..]))
        })
        .unwrap_or_default()
}

/// What stands between quotes, or the token up to the first blank.
fn unquoted(value: &[u8]) -> &[u8] {
    match value.strip_prefix(b"\"") {
        Some(inner) => memchr::memchr(b'"', inner).map_or(&[], |end| &inner[..end]),
        None => value.split(|byte| matches!(byte, b' ' | b'\t' | b'"')).next().unwrap_or_default(),
    }
}

/// The parts of a list whose separators don't count within quotes.
fn split_quoted(list: &[u8], separator: u8) -> Vec<&[u8]> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, &byte) in list.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_however_it_is_written() {
        for (text, address) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("192.0.2.1%eth0", None),
            ("192.0.2.01", None),
            ("go.example", None),
        ] {
            assert_eq!(parse_address(text), address.and_then(|text| text.parse().ok()), "{text}");
        }
    }

    #[test]
    fn a_separator_within_quotes_is_none() {
        assert_eq!(split_quoted(br#"a="x,\",y",b"#, b','), [&br#"a="x,\",y""#[..], b"b"]);
    }
}
