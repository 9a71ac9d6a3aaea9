//! Who sends requests: what a click and a budget need to know of a client, worked out once and remembered.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;
use std::rc::Rc;

use ahash::RandomState;

use crate::http::{ClientAddresses, Fields, Network};
use crate::spool::{PREFETCH, Privacy, UNTRACKED, Visitor};

/// Clients remembered, each with at most [`MAX_TAIL_BYTES`] of its own.
const MAX_REMEMBERED: usize = 1_024;
/// With the longest code and query before it, a head stays well inside its limits.
pub const MAX_TAIL_BYTES: usize = 6 * 1024;

/// The other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Peer {
    /// `None`: a unix socket, which only this machine's own processes reach, or an address that is none.
    pub address: Option<IpAddr>,
    /// Its word on whose requests it brings counts.
    pub is_trusted: bool,
}

/// Who sends some fields.
pub struct Client {
    /// Index of the domain that it asks.
    pub domain: u16,
    /// `PREFETCH`, `UNTRACKED`.
    pub flags: u8,
    /// `None`: unknown.
    pub network: Option<Network>,
    /// What is recorded of it.
    pub visitor: RefCell<Visitor>,
    /// All that follows the target in its requests, once that was found to be in order; empty: each must be read.
    pub tail: Box<[u8]>,
    peer: Peer,
}

/// What may be recorded of clients.
#[derive(Clone, Copy, Default, Debug)]
pub struct Discretion {
    /// Of their addresses.
    pub addresses: Privacy,
    /// Those who ask not to be tracked are not.
    pub honours_do_not_track: bool,
}

/// Clients by what they send: a proxy's connection carries the requests of many, and each repeats its own.
pub struct Clients {
    addresses: ClientAddresses,
    discretion: Discretion,
    /// Indices of domains by name; the default one is not in it.
    domains: HashMap<Vec<u8>, u16>,
    /// Domains by index.
    names: Vec<Vec<u8>>,
    /// Each with its hash.
    remembered: Vec<(u64, Rc<Client>)>,
    /// Places in `remembered` by hash; what is found there is compared.
    places: HashMap<u64, usize, RandomState>,
    /// The place that is given away next.
    next: usize,
    hasher: RandomState,
}

impl Clients {
    /// `domains`: those that have links of their own, numbered from 1.
    pub fn new(addresses: ClientAddresses, discretion: Discretion, domains: HashMap<Vec<u8>, u16>) -> Self {
        let (remembered, places, hasher) = (Vec::new(), HashMap::default(), RandomState::new());
        let mut names = vec![Vec::new(); domains.len() + 1];
        for (name, &index) in &domains {
            names[usize::from(index)].clone_from(name);
        }
        Self { addresses, discretion, domains, names, remembered, places, next: 0, hasher }
    }

    /// The peer of a new connection. `None`: a unix socket.
    pub fn peer(&self, address: Option<&str>) -> Peer {
        let Some(text) = address else {
            return Peer { address: None, is_trusted: true };
        };
        let address = crate::http::parse_address(text);
        Peer { address, is_trusted: address.is_some_and(|address| self.addresses.trusts(address)) }
    }

    /// The client of this peer whose requests end so.
    #[inline]
    pub fn find(&self, peer: Peer, tail: &[u8]) -> Option<&Rc<Client>> {
        self.known(self.hash(peer, tail), peer, tail)
    }

    #[inline]
    fn known(&self, hash: u64, peer: Peer, tail: &[u8]) -> Option<&Rc<Client>> {
        let (_, client) = &self.remembered[*self.places.get(&hash)?];
        (client.peer == peer && *client.tail == *tail).then_some(client)
    }

    /// Work out who it is. `tail` empty: its next request is not to be known by it.
    pub fn of(&mut self, peer: Peer, fields: &Fields<'_>, tail: &[u8]) -> Rc<Client> {
        let hash = self.hash(peer, tail);
        if let Some(known) = self.known(hash, peer, tail) {
            return Rc::clone(known);
        }
        let address = if peer.is_trusted {
            self.addresses.client(peer.address, fields.forwarded_for.as_deref(), fields.forwarded.as_deref())
        } else {
            peer.address
        };
        let is_untracked = fields.untracked && self.discretion.honours_do_not_track;
        let visitor = if is_untracked {
            Visitor::untracked(fields.user_agent)
        } else {
            Visitor::new(address, self.discretion.addresses, fields.referrer, fields.user_agent, fields.language)
        };
        let client = Rc::new(Client {
            domain: self.domain(fields.host.unwrap_or_default()),
            flags: if fields.prefetch { PREFETCH } else { 0 } | if is_untracked { UNTRACKED } else { 0 },
            network: address.map(Network::of),
            visitor: RefCell::new(visitor),
            tail: tail.into(),
            peer,
        });
        if !tail.is_empty() {
            self.remember(hash, &client);
        }
        client
    }

    /// The index of a domain; 0: the default one.
    pub fn domain(&self, host: &[u8]) -> u16 {
        if self.domains.is_empty() {
            return 0;
        }
        self.domains.get(&host.to_ascii_lowercase()).copied().unwrap_or(0)
    }

    /// The name of a domain by its index.
    #[inline]
    pub fn domain_name(&self, index: u16) -> &[u8] {
        &self.names[usize::from(index)]
    }

    /// Know this client's next request by its bytes; the one remembered for longest makes room.
    fn remember(&mut self, hash: u64, client: &Rc<Client>) {
        if self.remembered.len() < MAX_REMEMBERED {
            self.places.insert(hash, self.remembered.len());
            self.remembered.push((hash, Rc::clone(client)));
            return;
        }
        let (old_hash, _) = std::mem::replace(&mut self.remembered[self.next], (hash, Rc::clone(client)));
        if self.places.get(&old_hash) == Some(&self.next) {
            self.places.remove(&old_hash);
        }
        self.places.insert(hash, self.next);
        self.next = (self.next + 1) % MAX_REMEMBERED;
    }

    #[inline]
    fn hash(&self, peer: Peer, tail: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        peer.hash(&mut hasher);
        hasher.write(tail);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Peer = Peer { address: None, is_trusted: true };

    fn clients() -> Clients {
        let addresses = ClientAddresses::new(Vec::new());
        Clients::new(addresses, Discretion::default(), HashMap::from([(b"go.example".to_vec(), 1)]))
    }

    #[test]
    fn a_client_is_known_by_what_it_sends_and_by_its_peer() {
        let mut clients = clients();
        let fields = Fields { host: Some(b"GO.example"), ..Fields::default() };
        assert_eq!(clients.of(PEER, &fields, b" one").domain, 1);
        assert!(clients.find(PEER, b" one").is_some());
        assert!(clients.find(PEER, b" two").is_none());
        assert!(clients.find(Peer { is_trusted: false, ..PEER }, b" one").is_none());
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut clients = clients();
        for number in 0..3 * MAX_REMEMBERED {
            clients.of(PEER, &Fields::default(), number.to_string().as_bytes());
        }
        assert_eq!((clients.remembered.len(), clients.places.len()), (MAX_REMEMBERED, MAX_REMEMBERED));
        assert!(clients.find(PEER, (2 * MAX_REMEMBERED).to_string().as_bytes()).is_some());
        assert!(clients.find(PEER, (2 * MAX_REMEMBERED - 1).to_string().as_bytes()).is_none());
    }
}
