//! Clicks of one batch, added up.

use std::collections::HashMap;

use ahash::RandomState;

use crate::spool::batch::Collect;
use crate::spool::distinct::Distinct;
use crate::spool::link_key;
use crate::spool::record::Record;
use crate::spool::visitor;
use crate::spool::volatile::HOUR_MS;

/// Clicks that agree in all that is counted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Count {
    /// The link's domain.
    pub domain: Vec<u8>,
    /// The link's code.
    pub code: Vec<u8>,
    /// The hour's start, in ms since the Unix epoch.
    pub hour_ms: u64,
    /// The clicks' flags.
    pub flags: u8,
    /// Which user agent of the batch.
    pub user_agent: u32,
    /// How many.
    pub clicks: u64,
}

/// What clicks add up to.
#[derive(Debug)]
pub struct Counts {
    /// The distinct user agents.
    pub user_agents: Vec<Vec<u8>>,
    /// Each combination once.
    pub counts: Vec<Count>,
}

/// Counts by domain, code, hour, flags and user agent.
#[derive(Default)]
pub struct Tally {
    /// By encoded key: one look-up and no allocation for a key that is known.
    counts: HashMap<Box<[u8]>, u64, RandomState>,
    user_agents: Distinct<Box<[u8]>>,
    key: Vec<u8>,
}

const WORD_BYTES: usize = 8;
const USER_AGENT_AT: usize = WORD_BYTES;
const FLAGS_AT: usize = USER_AGENT_AT + 4;
const LINK_AT: usize = FLAGS_AT + 1;

impl Collect for Tally {
    type Clicks = Counts;

    fn add(&mut self, record: &Record<'_>) {
        let user_agent = self.user_agents.text(visitor::user_agent(record.visitor));
        encode_key(&mut self.key, record, user_agent);
        let clicks = u64::from(record.count);
        if let Some(count) = self.counts.get_mut(&self.key[..]) {
            *count += clicks;
        } else {
            self.counts.insert(self.key.clone().into_boxed_slice(), clicks);
        }
    }

    fn finish(self) -> Counts {
        let mut counts: Vec<_> = self.counts.iter().map(|(key, &clicks)| decode_key(key, clicks)).collect();
        counts.sort_unstable(); // as the stores keep them: what is sorted already costs Python little to sort
        Counts { user_agents: self.user_agents.into_texts(), counts }
    }
}

fn encode_key(out: &mut Vec<u8>, record: &Record<'_>, user_agent: u32) {
    out.clear();
    out.extend_from_slice(&(record.time_ms / HOUR_MS).to_le_bytes());
    out.extend_from_slice(&user_agent.to_le_bytes());
    out.push(record.flags);
    link_key::push(out, record);
}

fn decode_key(key: &[u8], clicks: u64) -> Count {
    let (mut hour, mut user_agent) = ([0; WORD_BYTES], [0; 4]);
    hour.copy_from_slice(&key[..USER_AGENT_AT]);
    user_agent.copy_from_slice(&key[USER_AGENT_AT..FLAGS_AT]);
    let (domain, code) = link_key::parts(&key[LINK_AT..]);
    Count {
        domain,
        code,
        hour_ms: u64::from_le_bytes(hour) * HOUR_MS,
        flags: key[FLAGS_AT],
        user_agent: u32::from_le_bytes(user_agent),
        clicks,
    }
}
