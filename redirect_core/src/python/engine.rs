//! The engine and its connections, as Python has them.

use std::cell::{Cell, RefCell};
use std::os::fd::{BorrowedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use ipnet::IpNet;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyList};
use rustix::net::{SendFlags, send};
use slotmap::SecondaryMap;

use crate::cache::{Limits, NewEntry};
use crate::edge::{
    self, Answered, ConnectionKey, Counters, Discretion, Found, Key, Layout, Now, ReadClock, Settings, State, Tier,
    system_clock,
};
use crate::http::{DEFAULT_CACHE_CONTROL, REDIRECT_STATUSES};
use crate::python::{SpoolWriter, parse_privacy};

/// Of one thread: an event loop's.
#[pyclass(module = "redirect_core", frozen, unsendable)]
pub struct Engine(Rc<Parts>);

/// What the engine's Python object shares with those of its connections.
struct Parts {
    /// `None`: closed.
    open: RefCell<Option<Open>>,
    /// What `put` returns for each connection.
    wakes: RefCell<SecondaryMap<ConnectionKey, Py<PyAny>>>,
}

struct Open {
    core: edge::Engine,
    /// Keeps the counters mapped.
    _page: PyBuffer<u64>,
}

impl Parts {
    /// Do something with the engine; a panic is an exception that `except Exception` catches, unlike that of `PyO3`: it
    /// costs one connection, not the worker.
    #[inline]
    fn with<T>(&self, act: impl FnOnce(&mut edge::Engine) -> T) -> PyResult<T> {
        let mut open = self.open.borrow_mut();
        let open = open.as_mut().ok_or_else(|| PyRuntimeError::new_err("the engine is closed"))?;
        catch_unwind(AssertUnwindSafe(|| act(&mut open.core))).map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            PyRuntimeError::new_err(format!("the engine panicked: {text}"))
        })
    }
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (
        words, layout, latency_bounds_us, spool, *, cache_bytes, domains, honour_do_not_track, ip_privacy,
        keepalive_requests, max_misses, referrer_policy, trusted_proxies, unknown_per_minute, read_clock = None
    ))]
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)] // they are named; Python hands lists over
    fn new(
        words: PyBuffer<u64>,
        layout: &Bound<'_, PyDict>,
        latency_bounds_us: Vec<u64>,
        spool: &SpoolWriter,
        cache_bytes: usize,
        domains: Vec<String>,
        honour_do_not_track: bool,
        ip_privacy: &str,
        keepalive_requests: u64,
        max_misses: usize,
        referrer_policy: String,
        trusted_proxies: Vec<String>,
        unknown_per_minute: u32,
        read_clock: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let index = |name: &str| layout.get_item(name).ok().flatten().and_then(|index| index.extract().ok());
        let layout = Layout::new(&latency_bounds_us, index)
            .map_err(|missing| PyValueError::new_err(format!("the page has no {:?}", missing.0)))?;
        if words.readonly() || !words.is_c_contiguous() {
            return Err(PyValueError::new_err("the page's words can't be written in place"));
        }
        // SAFETY: the buffer is held for as long as the engine lives, and only this worker's one thread writes it.
        let counters = unsafe { Counters::new(words.buf_ptr().cast(), words.item_count(), layout) }
            .ok_or_else(|| PyValueError::new_err("the page is too short for its layout"))?;
        let trusted_proxies = trusted_proxies.iter().map(|text| parse_network(text)).collect::<PyResult<_>>()?;
        let discretion =
            Discretion { addresses: parse_privacy(ip_privacy)?, honours_do_not_track: honour_do_not_track };
        let settings = Settings {
            cache_bytes,
            discretion,
            domains,
            keepalive_requests,
            max_misses,
            referrer_policy,
            trusted_proxies,
            unknown_per_minute,
        };
        let clock = read_clock.map_or_else(system_clock, python_clock);
        let core = edge::Engine::new(settings, clock, counters, spool.shared())?;
        let open = RefCell::new(Some(Open { core, _page: words }));
        Ok(Self(Rc::new(Parts { open, wakes: RefCell::default() })))
    }

    #[pyo3(signature = (peer, wake))]
    fn connection(&self, peer: Option<&str>, wake: Py<PyAny>) -> PyResult<Connection> {
        let key = self.0.with(|core| core.connect(peer))?;
        self.0.wakes.borrow_mut().insert(key, wake);
        Ok(Connection { parts: Rc::clone(&self.0), key, state: Cell::default(), socket: Cell::default() })
    }

    fn take_misses(&self) -> PyResult<Vec<(String, String)>> {
        self.0.with(|core| {
            let text = |code: &[u8]| String::from_utf8_lossy(code).into_owned(); // a code is ASCII
            let names = core.take_misses();
            names.iter().map(|name| (core.domain(name.domain).to_owned(), text(&name.code))).collect()
        })
    }

    fn take_orphans(&self) -> PyResult<Vec<(String, String, u64)>> {
        self.0.with(|core| {
            let text = |code: &[u8]| String::from_utf8_lossy(code).into_owned(); // a code is ASCII
            let orphans = core.take_orphans();
            orphans
                .iter()
                .map(|(name, clicks)| (core.domain(name.domain).to_owned(), text(&name.code), *clicks))
                .collect()
        })
    }

    #[allow(clippy::needless_pass_by_value)] // Python hands a list over
    fn put<'py>(
        &self,
        py: Python<'py>,
        answers: Vec<(KeyFields, Bound<'py, PyAny>)>,
        asked_at: f64,
        tier: u8,
    ) -> PyResult<Bound<'py, PyList>> {
        let answered = Answered { asked_at_ns: nanoseconds(asked_at), tier: tier_of(tier)? };
        let mut woken = Vec::new();
        for ((domain, code), answer) in &answers {
            let fields;
            let found = if answer.is_none() {
                Found::Absent
            } else if answer.is_instance_of::<PyBool>() {
                Found::Unavailable
            } else {
                fields = answer.extract::<LinkFields>();
                // Of a link that can't even be read, all that is known is that it is there.
                Found::Link(fields.as_ref().map_or_else(|_| broken_entry(), LinkFields::entry))
            };
            let key = Key { domain, code };
            // A fault costs those who wait for this link, and no others.
            if self.0.with(|core| core.put(key, found, answered, &mut woken)).is_err() {
                self.0.with(|core| core.give_up(key, &mut woken))?;
            }
        }
        let ready = self.0.with(|core| core.ready(woken))?;
        let wakes = self.0.wakes.borrow();
        PyList::new(
            py,
            ready.iter().filter_map(|&key| wakes.get(key)).map(|wake| wake.clone_ref(py)).collect::<Vec<_>>(),
        )
    }

    #[allow(clippy::needless_pass_by_value)] // Python hands a list over
    fn announce(&self, changes: Vec<((String, String), u64)>) -> PyResult<()> {
        changes
            .iter()
            .try_for_each(|((domain, code), version)| self.0.with(|core| core.announce(Key { domain, code }, *version)))
    }

    fn forget_all(&self) -> PyResult<()> {
        self.0.with(edge::Engine::forget_all)
    }

    fn tick(&self) -> PyResult<()> {
        self.0.with(edge::Engine::tick)
    }

    fn drain(&self) -> PyResult<()> {
        self.0.with(edge::Engine::drain)
    }

    fn close(&self) -> PyResult<()> {
        let open = self.0.open.borrow_mut().take();
        Ok(open.map_or(Ok(()), |mut open| open.core.close())?)
    }
}

#[pyclass(module = "redirect_core", frozen, unsendable)]
pub struct Connection {
    parts: Rc<Parts>,
    key: ConnectionKey,
    /// As of the last step.
    state: Cell<State>,
    /// The socket that `feed` may send on.
    socket: Cell<Option<RawFd>>,
}

#[pymethods]
impl Connection {
    #[getter]
    fn attention(&self) -> u8 {
        self.state.get().attention
    }

    #[getter]
    fn requests(&self) -> u64 {
        self.state.get().requests
    }

    #[getter]
    fn partial(&self) -> bool {
        self.state.get().partial
    }

    #[getter]
    fn pending(&self) -> usize {
        self.state.get().pending
    }

    #[pyo3(signature = (descriptor))]
    fn send_on(&self, descriptor: Option<RawFd>) {
        self.socket.set(descriptor);
    }

    fn feed<'py>(&self, py: Python<'py>, data: &Bound<'py, PyBytes>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.parts.with(|core| {
            let replies = core.feed(self.key, data.as_bytes());
            let rest = match self.socket.get() {
                Some(socket) if !replies.is_empty() => Some(self.send(socket, replies)),
                _ => None,
            };
            let has_sent_all = rest.is_some_and(<[u8]>::is_empty);
            let rest = PyBytes::new(py, rest.unwrap_or(replies));
            let state = core.state(self.key);
            self.state.set(state);
            (!has_sent_all || state.attention != 0).then_some(rest)
        })
    }

    fn resume<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.step(py, edge::Engine::resume)
    }

    fn eof<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.step(py, edge::Engine::eof)
    }

    fn timeout<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.step(py, edge::Engine::timeout)
    }

    fn pause(&self) -> PyResult<()> {
        self.parts.with(|core| core.pause(self.key))
    }

    fn drain(&self) -> PyResult<()> {
        self.parts.with(|core| core.drain_one(self.key))
    }

    fn lost(&self) -> PyResult<()> {
        self.socket.set(None);
        let wake = self.parts.wakes.borrow_mut().remove(self.key);
        drop(wake); // not before the borrow ends: what goes with it may call us
        self.state.set(State { pending: 0, ..self.state.get() });
        if self.parts.open.borrow().is_some() { self.parts.with(|core| core.lost(self.key)) } else { Ok(()) }
    }
}

impl Connection {
    /// Send on the socket; what it didn't take. The transport finds out why, and sees to the rest.
    #[inline]
    fn send<'a>(&self, socket: RawFd, replies: &'a [u8]) -> &'a [u8] {
        // SAFETY: the protocol tells of a socket for as long as its transport has it open, and feeds nothing afterwards.
        let socket = unsafe { BorrowedFd::borrow_raw(socket) };
        let sent = send(socket, replies, SendFlags::DONTWAIT | SendFlags::NOSIGNAL).unwrap_or(0);
        if sent < replies.len() {
            self.socket.set(None);
        }
        &replies[sent..]
    }

    #[inline]
    fn step<'py>(
        &self,
        py: Python<'py>,
        step: impl FnOnce(&mut edge::Engine, ConnectionKey) -> &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        self.parts.with(|core| {
            let replies = PyBytes::new(py, step(core, self.key));
            self.state.set(core.state(self.key));
            replies
        })
    }
}

/// Domain and code.
type KeyFields = (String, String);

/// A link as gateway/engines/rust.py hands it over: version, status, target, Cache-Control, whether its bytes may stand
/// in a head, and what few links have.
#[derive(FromPyObject)]
struct LinkFields(u64, u16, String, String, bool, Option<LimitFields>);

/// Enabled, `not_before`, `expires_at`, `expired_target`, `forward_query`.
#[derive(FromPyObject)]
struct LimitFields(bool, Option<u64>, Option<u64>, Option<String>, bool);

impl LinkFields {
    fn entry(&self) -> NewEntry<'_> {
        let Self(version, status, target, cache_control, is_fit, limits) = self;
        let status = REDIRECT_STATUSES.iter().zip(0..).find(|(one, _)| *one == status);
        let Some((_, status)) = status.filter(|_| *is_fit) else {
            return NewEntry { version: *version, ..broken_entry() };
        };
        let limits = limits.as_ref().map_or_else(Limits::default, |limits| {
            let LimitFields(enabled, not_before, expires_at, expired_target, forward_query) = limits;
            Limits {
                broken: false,
                disabled: !enabled,
                not_before: *not_before,
                expires_at: *expires_at,
                expired_target: expired_target.as_ref().map(String::as_bytes),
                forward_query: *forward_query,
            }
        });
        NewEntry {
            version: *version,
            domain: 0,
            code: b"",
            status,
            target: target.as_bytes(),
            cache_control: cache_control.as_bytes(),
            limits,
        }
    }
}

/// A link whose reply can't be prepared.
fn broken_entry() -> NewEntry<'static> {
    let limits = Limits { broken: true, ..Limits::default() };
    let cache_control = DEFAULT_CACHE_CONTROL;
    NewEntry { version: 0, domain: 0, code: b"", status: 0, target: b"", cache_control, limits }
}

/// A clock of Python's: (monotonic seconds, ms since the Unix epoch).
fn python_clock(read: Py<PyAny>) -> ReadClock {
    Box::new(move || {
        let (seconds, unix_ms) = Python::attach(|py| {
            let read = read.bind(py).call0().and_then(|time| time.extract::<(f64, u64)>());
            read.expect("the clock that was given tells the time")
        });
        Now { monotonic_ns: nanoseconds(seconds), unix_ms }
    })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // no clock runs for centuries, or backwards
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

fn tier_of(number: u8) -> PyResult<Tier> {
    [Tier::Cache, Tier::Redis, Tier::Store]
        .get(usize::from(number))
        .copied()
        .ok_or_else(|| PyValueError::new_err(format!("there is no tier {number}")))
}

/// A network, or an address for a network of its own; host bits don't matter.
fn parse_network(text: &str) -> PyResult<IpNet> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse().map(|address: std::net::IpAddr| IpNet::from(address)))
        .map_err(|_| PyValueError::new_err(format!("{text:?} is no network")))
}
