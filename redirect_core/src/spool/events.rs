//! Clicks of one batch, one by one.

use crate::spool::batch::Collect;
use crate::spool::distinct::Distinct;
use crate::spool::link_key;
use crate::spool::record::Record;
use crate::spool::visitor::{self, Address};

/// A click; what many have in common is kept once, in its batch.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// 1, 2, 3 … within its epoch.
    pub seq: u64,
    /// In ms since the Unix epoch; of several clicks, the start of their hour.
    pub time_ms: u64,
    /// By what the visitor is known again on the same UTC day; 0: not at all.
    pub visitor: u64,
    /// How many clicks it stands for.
    pub count: u32,
    /// Which of the batch's agents.
    pub agent: u32,
    /// Which of the batch's networks.
    pub network: u32,
    /// Which of the batch's referrers.
    pub referrer: u32,
    /// Which of the batch's languages.
    pub language: u32,
    /// Which of the batch's links.
    pub link: u32,
    /// Which of the link's targets was chosen.
    pub variant: u8,
}

/// Clicks and their distinct values.
#[derive(Debug)]
pub struct Events {
    /// In order of seq.
    pub events: Vec<Event>,
    /// The distinct user agents, each with a click's flags.
    pub agents: Vec<(Vec<u8>, u8)>,
    /// The distinct addresses as far as they were kept.
    pub networks: Vec<Address>,
    /// The distinct referrers.
    pub referrers: Vec<Vec<u8>>,
    /// The distinct values of Accept-Language.
    pub languages: Vec<Vec<u8>>,
    /// The distinct domains and codes.
    pub links: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Clicks as they are read.
#[derive(Default)]
pub struct EventLog {
    events: Vec<Event>,
    /// The flags in front of each.
    agents: Distinct<Box<[u8]>>,
    networks: Distinct<Address>,
    referrers: Distinct<Box<[u8]>>,
    languages: Distinct<Box<[u8]>>,
    links: Distinct<Box<[u8]>>,
    key: Vec<u8>,
}

impl Collect for EventLog {
    type Clicks = Events;

    fn add(&mut self, record: &Record<'_>) {
        let event = Event {
            seq: record.seq,
            time_ms: record.time_ms,
            visitor: visitor::hash(record.visitor),
            count: record.count,
            agent: self.agent(record),
            network: self.networks.index(visitor::address(record.visitor)),
            referrer: self.referrers.text(visitor::referrer(record.visitor)),
            language: self.languages.text(visitor::language(record.visitor)),
            link: self.link(record),
            variant: record.variant,
        };
        self.events.push(event);
    }

    fn finish(self) -> Events {
        Events {
            events: self.events,
            agents: self.agents.into_values().iter().map(|key| (key[1..].into(), key[0])).collect(),
            networks: self.networks.into_values(),
            referrers: self.referrers.into_texts(),
            languages: self.languages.into_texts(),
            links: self.links.into_values().iter().map(|key| link_key::parts(key)).collect(),
        }
    }
}

impl EventLog {
    fn agent(&mut self, record: &Record<'_>) -> u32 {
        self.key.clear();
        self.key.push(record.flags);
        self.key.extend_from_slice(visitor::user_agent(record.visitor));
        self.agents.text(&self.key)
    }

    fn link(&mut self, record: &Record<'_>) -> u32 {
        self.key.clear();
        link_key::push(&mut self.key, record);
        self.links.text(&self.key)
    }
}
