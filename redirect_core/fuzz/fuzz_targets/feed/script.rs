//! What an input says: settings, whose connection it is, what happens between the reads, and the client's bytes.

/// Byte 0: settings; 1: the peer; 2: how many steps; then the steps, one byte each if they are only reads, else two; all
/// others are the client's.
pub struct Script<'a> {
    /// Bits, see [`Script::few_requests`] and what follows it.
    settings: u8,
    /// Which of the peers connects.
    pub peer: usize,
    /// What happens before the rest of the bytes comes in one read.
    pub steps: Vec<Step>,
    /// What the client sends.
    pub bytes: &'a [u8],
}

/// One thing that happens to a connection, or to its engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// So many bytes arrive.
    Read(usize),
    /// The transport takes no more.
    Pause,
    /// It does again.
    Resume,
    /// The client half-closes.
    Eof,
    /// The head took too long.
    Timeout,
    /// The resolver takes what is missing.
    Take,
    /// It puts what it found: which kind of answer.
    Answer(u8),
    /// A link is put that nobody asked for: which, as which kind of answer.
    Put(u8),
    /// A link changed: which.
    Announce(u8),
    /// Any link may have changed.
    ForgetAll,
    /// A second's work.
    Tick,
    /// So many milliseconds pass.
    Advance(u64),
    /// This connection's next reply is the last, or every connection's.
    Drain { all: bool },
}

const MAX_STEPS: usize = 64;
/// Bit of the settings.
const ONLY_READS: u8 = 8;

impl<'a> Script<'a> {
    /// `None`: too short.
    pub fn parse(data: &'a [u8]) -> Option<Self> {
        let (&[settings, peer, steps], rest) = data.split_first_chunk()?;
        let step_bytes = if settings & ONLY_READS == 0 { 2 } else { 1 };
        let (steps, bytes) = rest.split_at_checked(step_bytes * (usize::from(steps) % MAX_STEPS))?;
        let steps = steps.chunks_exact(step_bytes).map(Step::parse).collect();
        Some(Self { settings, peer: usize::from(peer), steps, bytes })
    }

    /// True when nothing but the cuts of the bytes makes a difference.
    pub fn has_only_reads(&self) -> bool {
        self.settings & ONLY_READS != 0 || self.steps.is_empty()
    }

    /// The third request of a connection is its last.
    pub fn few_requests(&self) -> bool {
        self.settings & 1 != 0
    }

    /// Only two misses may be in flight.
    pub fn few_misses(&self) -> bool {
        self.settings & 2 != 0
    }

    /// A network may ask for three unknown codes a minute.
    pub fn few_unknown(&self) -> bool {
        self.settings & 4 != 0
    }
}

impl Step {
    fn parse(bytes: &[u8]) -> Self {
        let &[kind, argument] = bytes else {
            return Self::read(bytes[0]);
        };
        let many = u64::from(argument) * u64::from(argument);
        match kind % 16 {
            0 => Self::Pause,
            1 => Self::Resume,
            2 => Self::Eof,
            3 => Self::Timeout,
            4 => Self::Take,
            5 => Self::Answer(argument),
            6 => Self::Put(argument),
            7 => Self::Announce(argument),
            8 => Self::ForgetAll,
            9 => Self::Tick,
            10 => Self::Advance(many), // up to 65 seconds: a lifetime, and more
            11 => Self::Drain { all: argument & 1 != 0 },
            _ => Self::read(argument),
        }
    }

    /// A few bytes, or up to a head that is too large.
    fn read(argument: u8) -> Self {
        let bytes = usize::from(argument);
        Self::Read(if argument < 192 { bytes } else { (bytes - 191) * 150 })
    }
}
