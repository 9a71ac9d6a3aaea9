//! A reply that a connection owes its client, ready or not.

use std::rc::Rc;

use crate::edge::clients::Client;
use crate::http::{Answer, Network, Persistence};

/// Which counter of requests a reply counts for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    /// A code or alias.
    Redirect = 0,
    /// What the edge answers for itself.
    Fixed = 1,
    /// A request that is none, or of a path that no link has.
    Refused = 2,
}

/// Where a link was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tier {
    /// In this worker.
    Cache = 0,
    /// In Redis.
    Redis = 1,
    /// In the store.
    Store = 2,
}

/// What to answer.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// As this link says: the bytes of its entry, because the cache may let go of it before the reply's turn.
    Link(Rc<[u8]>),
    /// This.
    Answer(Answer),
}

/// A request for a code.
pub struct Asked {
    /// What was asked for.
    pub code: Box<[u8]>,
    /// The visitor's query.
    pub query: Box<[u8]>,
    /// Who asked.
    pub client: Rc<Client>,
}

/// One place in a connection's ordered queue of replies.
pub struct Owed {
    /// What it counts for.
    pub route: Route,
    /// What it says about the connection.
    pub persistence: Persistence,
    /// It answers a HEAD.
    pub is_head: bool,
    /// When its request was read.
    pub arrived_ns: u64,
    /// `None`: its flight is under way.
    pub outcome: Option<Outcome>,
    /// Where the outcome came from.
    pub tier: Tier,
    /// Of a request for a code.
    pub asked: Option<Asked>,
    /// The client's, when a token of its budget was taken.
    pub network: Option<Network>,
}
