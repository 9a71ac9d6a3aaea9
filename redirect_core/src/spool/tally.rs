//! Clicks of one batch, added up.

use std::collections::HashMap;

use ahash::RandomState;

use crate::spool::record::{Record, StoredCode};
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

/// Counts by domain, code, hour, flags and user agent.
#[derive(Default)]
pub struct Tally {
    /// By encoded key: one look-up and no allocation for a key that is known.
    counts: HashMap<Box<[u8]>, u64, RandomState>,
    user_agents: HashMap<Box<[u8]>, u32, RandomState>,
    key: Vec<u8>,
}

const PACKED: u8 = 0;
const RAW: u8 = 1;
const WORD_BYTES: usize = 8;
const USER_AGENT_AT: usize = WORD_BYTES;
const FLAGS_AT: usize = USER_AGENT_AT + 4;
const FORM_AT: usize = FLAGS_AT + 1;
const DOMAIN_LENGTH_AT: usize = FORM_AT + 1;
const DOMAIN_AT: usize = DOMAIN_LENGTH_AT + 1;

impl Tally {
    /// Add a record's clicks.
    pub fn add(&mut self, record: &Record<'_>) {
        let user_agent = self.user_agent(visitor::user_agent(record.visitor));
        encode_key(&mut self.key, record, user_agent);
        let clicks = u64::from(record.count);
        if let Some(count) = self.counts.get_mut(&self.key[..]) {
            *count += clicks;
        } else {
            self.counts.insert(self.key.clone().into_boxed_slice(), clicks);
        }
    }

    /// The user agents, and the counts that point to them.
    #[must_use]
    pub fn finish(self) -> (Vec<Vec<u8>>, Vec<Count>) {
        let mut user_agents: Vec<_> =
            self.user_agents.into_iter().map(|(text, index)| (index, text.into_vec())).collect();
        user_agents.sort_unstable();
        let mut counts: Vec<_> = self.counts.iter().map(|(key, &clicks)| decode_key(key, clicks)).collect();
        counts.sort_unstable(); // as the stores keep them: what is sorted already costs Python little to sort
        (user_agents.into_iter().map(|(_, text)| text).collect(), counts)
    }

    #[allow(clippy::cast_possible_truncation)] // fewer user agents than records, fewer records than 2³²
    fn user_agent(&mut self, text: &[u8]) -> u32 {
        if let Some(&index) = self.user_agents.get(text) {
            return index;
        }
        let index = self.user_agents.len() as u32;
        self.user_agents.insert(text.into(), index);
        index
    }
}

#[allow(clippy::cast_possible_truncation)] // a domain has at most 255 bytes
fn encode_key(out: &mut Vec<u8>, record: &Record<'_>, user_agent: u32) {
    out.clear();
    out.extend_from_slice(&(record.time_ms / HOUR_MS).to_le_bytes());
    out.extend_from_slice(&user_agent.to_le_bytes());
    out.push(record.flags);
    out.push(if matches!(record.code, StoredCode::Packed(_)) { PACKED } else { RAW });
    out.push(record.domain.len() as u8);
    out.extend_from_slice(record.domain);
    match record.code {
        StoredCode::Packed(number) => out.extend_from_slice(&number.to_le_bytes()),
        StoredCode::Raw(text) => out.extend_from_slice(text),
    }
}

fn decode_key(key: &[u8], clicks: u64) -> Count {
    let code_at = DOMAIN_AT + usize::from(key[DOMAIN_LENGTH_AT]);
    let code = if key[FORM_AT] == PACKED {
        StoredCode::Packed(word(&key[code_at..]))
    } else {
        StoredCode::Raw(&key[code_at..])
    };
    let mut user_agent = [0; 4];
    user_agent.copy_from_slice(&key[USER_AGENT_AT..FLAGS_AT]);
    Count {
        domain: key[DOMAIN_AT..code_at].to_vec(),
        code: code.text(),
        hour_ms: word(key) * HOUR_MS,
        flags: key[FLAGS_AT],
        user_agent: u32::from_le_bytes(user_agent),
        clicks,
    }
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; WORD_BYTES];
    word.copy_from_slice(&bytes[..WORD_BYTES]);
    u64::from_le_bytes(word)
}
