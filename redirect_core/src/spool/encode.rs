//! Clicks as JSON, for everybody past the spool: what they have in common is put together once, then copied.

use std::fmt;

use crate::spool::batch::Batch;
use crate::spool::events::{Event, Events};
use crate::spool::json::{push_number, push_string};
use crate::spool::names::Epoch;

/// Of the event's schema, as readers of events know it.
const VERSION: u64 = 1;

/// What a batch's distinct values stand for: for each, members of a JSON object without its braces; none: nothing.
pub struct Description<'a, T> {
    /// The node that answered.
    pub node: &'a str,
    /// Of the user agents.
    pub agents: &'a [T],
    /// Of the networks.
    pub networks: &'a [T],
    /// Of the referrers.
    pub referrers: &'a [T],
    /// Of the languages.
    pub languages: &'a [T],
    /// Of the links.
    pub links: &'a [T],
}

/// Makes JSON of a batch's clicks.
pub struct Encoder<'a, T> {
    description: Description<'a, T>,
    /// From the brace to the seq.
    head: Vec<u8>,
    /// From the seq to the time.
    node: Vec<u8>,
    /// By link: from the clicks to the variant.
    links: Vec<Vec<u8>>,
}

impl<'a, T: AsRef<[u8]>> Encoder<'a, T> {
    /// For the clicks of this batch.
    ///
    /// # Errors
    /// The description is another batch's: it has more or fewer values.
    pub fn new(batch: &Batch<Events>, description: Description<'a, T>) -> Result<Self, Mismatch> {
        let events = &batch.clicks;
        agree("agents", description.agents, events.agents.len())?;
        agree("networks", description.networks, events.networks.len())?;
        agree("referrers", description.referrers, events.referrers.len())?;
        agree("languages", description.languages, events.languages.len())?;
        agree("links", description.links, events.links.len())?;
        let head = head(batch.epoch);
        let node = node(description.node, batch.worker);
        let links = events.links.iter().map(|(domain, code)| link(domain, code)).collect();
        Ok(Self { description, head, node, links })
    }

    /// Append one click of the batch.
    #[inline]
    pub fn push(&self, out: &mut Vec<u8>, event: &Event) {
        out.extend_from_slice(&self.head);
        push_number(out, event.seq);
        out.extend_from_slice(&self.node);
        push_number(out, event.time_ms);
        out.extend_from_slice(b",\"clicks\":");
        push_number(out, u64::from(event.count));
        out.extend_from_slice(&self.links[event.link as usize]);
        push_number(out, u64::from(event.variant));
        push_members(out, &self.description.agents[event.agent as usize]);
        out.extend_from_slice(b",\"visitor\":\"");
        push_number(out, event.visitor);
        out.push(b'"');
        push_members(out, &self.description.networks[event.network as usize]);
        push_members(out, &self.description.referrers[event.referrer as usize]);
        push_members(out, &self.description.languages[event.language as usize]);
        push_members(out, &self.description.links[event.link as usize]);
        out.push(b'}');
    }
}

/// A description that does not fit its batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mismatch {
    what: &'static str,
    described: usize,
    distinct: usize,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, described, distinct } = self;
        write!(out, "{described} {what} are described, the batch has {distinct}")
    }
}

fn agree<T>(what: &'static str, described: &[T], distinct: usize) -> Result<(), Mismatch> {
    let described = described.len();
    if described == distinct { Ok(()) } else { Err(Mismatch { what, described, distinct }) }
}

fn head(epoch: Epoch) -> Vec<u8> {
    let mut out = b"{\"v\":".to_vec();
    push_number(&mut out, VERSION);
    out.extend_from_slice(b",\"epoch\":\"");
    for (place, digit) in epoch.to_string().bytes().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            out.push(b'-'); // as RFC 9562 §4 writes a UUID
        }
        out.push(digit);
    }
    out.extend_from_slice(b"\",\"seq\":");
    out
}

fn node(name: &str, worker: u32) -> Vec<u8> {
    let mut out = b",\"node\":".to_vec();
    push_string(&mut out, name.as_bytes());
    out.extend_from_slice(b",\"worker\":");
    push_number(&mut out, u64::from(worker));
    out.extend_from_slice(b",\"time\":");
    out
}

fn link(domain: &[u8], code: &[u8]) -> Vec<u8> {
    let mut out = b",\"domain\":".to_vec();
    push_string(&mut out, domain);
    out.extend_from_slice(b",\"code\":");
    push_string(&mut out, code);
    out.extend_from_slice(b",\"variant\":");
    out
}

#[inline]
fn push_members(out: &mut Vec<u8>, members: &impl AsRef<[u8]>) {
    let members = members.as_ref();
    if !members.is_empty() {
        out.push(b',');
        out.extend_from_slice(members);
    }
}
