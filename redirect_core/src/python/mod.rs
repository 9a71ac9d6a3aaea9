//! The Python module `redirect_core._core`: conversions only, no logic. `_core.pyi` is its contract.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyMapping;

use crate::codes;
use crate::spool::{self, Click, Options, Privacy, Salt};

mod engine;
mod events;
mod reader;

#[pymodule]
mod _core {
    use super::{Bound, PyModule, PyModuleMethods, PyResult, spool};

    #[pymodule_export]
    use super::engine::{Connection, Engine};
    #[pymodule_export]
    use super::events::EventBatch;
    #[pymodule_export]
    use super::reader::{CountBatch, SpoolLocked, SpoolReader};
    #[pymodule_export]
    use super::{SpoolWriter, Visitor, is_alias, pack_code, unpack_code};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("HEAD", spool::HEAD)?;
        module.add("PREFETCH", spool::PREFETCH)?;
        module.add("UNTRACKED", spool::UNTRACKED)
    }
}

#[pyfunction]
fn pack_code(code: &[u8]) -> Option<u64> {
    codes::pack_code(code)
}

#[pyfunction]
fn unpack_code(number: u64) -> PyResult<[u8; codes::CODE_BYTES]> {
    codes::unpack_code(number).ok_or_else(|| PyValueError::new_err("no code has this number: it is not below 62**7"))
}

#[pyfunction]
fn is_alias(text: &[u8]) -> bool {
    codes::is_alias(text)
}

#[pyclass(module = "redirect_core")]
struct Visitor(spool::Visitor);

#[pymethods]
impl Visitor {
    #[new]
    #[pyo3(signature = (address, referrer, user_agent, language, *, ip_privacy = "truncate"))]
    fn new(address: &[u8], referrer: &[u8], user_agent: &[u8], language: &[u8], ip_privacy: &str) -> PyResult<Self> {
        let address = spool::Visitor::parse_address(address)
            .map_err(|length| PyValueError::new_err(format!("an address has 0, 4 or 16 bytes, not {length}")))?;
        Ok(Self(spool::Visitor::new(address, parse_privacy(ip_privacy)?, referrer, user_agent, language)))
    }

    #[staticmethod]
    fn untracked(user_agent: &[u8]) -> Self {
        Self(spool::Visitor::untracked(user_agent))
    }
}

fn parse_privacy(word: &str) -> PyResult<Privacy> {
    word.parse().map_err(|()| PyValueError::new_err(format!("{word:?} is none of truncate, drop, full")))
}

#[pyclass(module = "redirect_core", frozen)]
struct SpoolWriter {
    /// Shared with the engine that records.
    writer: Arc<spool::SpoolWriter>,
    folder: PathBuf,
}

#[pymethods]
impl SpoolWriter {
    #[new]
    #[pyo3(signature = (folder, worker, *, segment_bytes = 16 << 20, limit_bytes = 4 << 30, sync_every_ms = 200))]
    fn new(
        py: Python<'_>,
        folder: PathBuf,
        worker: u32,
        segment_bytes: u32,
        limit_bytes: u64,
        sync_every_ms: u64,
    ) -> PyResult<Self> {
        if !spool::SEGMENT_BYTES.contains(&segment_bytes) {
            return Err(PyValueError::new_err(format!(
                "segment_bytes is {segment_bytes}, not within {} and {}",
                spool::SEGMENT_BYTES.start(),
                spool::SEGMENT_BYTES.end()
            )));
        }
        if sync_every_ms == 0 {
            return Err(PyValueError::new_err("sync_every_ms is 0"));
        }
        let options = Options {
            folder: folder.clone(),
            worker,
            segment_bytes,
            limit_bytes,
            sync_every: Duration::from_millis(sync_every_ms),
        };
        let writer = py.detach(|| spool::SpoolWriter::open(options)).map_err(|error| os_error(&error, &folder))?;
        Ok(Self { writer: Arc::new(writer), folder })
    }

    #[getter]
    fn epoch(&self) -> [u8; 16] {
        self.writer.epoch().0
    }

    #[getter]
    fn spooled(&self) -> u64 {
        self.writer.spooled()
    }

    #[getter]
    fn clicks(&self) -> u64 {
        self.writer.clicks()
    }

    #[getter]
    fn volatile(&self) -> u64 {
        self.writer.volatile()
    }

    #[getter]
    fn dropped(&self) -> u64 {
        self.writer.dropped()
    }

    #[getter]
    fn error(&self) -> Option<String> {
        self.writer.error()
    }

    fn set_salts(&self, salts: &Bound<'_, PyMapping>) -> PyResult<()> {
        let salts = pairs(salts)?.map(|pair| {
            let (day, salt): (u64, Vec<u8>) = pair?.extract()?;
            Ok((day, Salt(sixteen(&salt, "a salt")?)))
        });
        self.writer.set_salts(salts.collect::<PyResult<_>>()?);
        Ok(())
    }

    fn record(
        &self,
        now_ms: u64,
        domain: &[u8],
        code: &[u8],
        variant: u8,
        flags: u8,
        mut visitor: PyRefMut<'_, Visitor>,
    ) -> PyResult<bool> {
        if domain.len() > spool::MAX_DOMAIN_BYTES || !(1..=spool::MAX_CODE_BYTES).contains(&code.len()) {
            return Err(PyValueError::new_err("a domain has at most 255 bytes, a code 1 to 64"));
        }
        let click = Click { now_ms, domain, code, variant, flags };
        self.writer.record(&click, &mut visitor.0).ok_or_else(|| PyValueError::new_err("the spool is closed"))
    }

    fn sync(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.writer.sync()).map_err(|error| os_error(&error, &self.folder))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.writer.close()).map_err(|error| os_error(&error, &self.folder))
    }
}

impl SpoolWriter {
    fn shared(&self) -> Arc<spool::SpoolWriter> {
        Arc::clone(&self.writer)
    }
}

fn pairs<'py>(mapping: &Bound<'py, PyMapping>) -> PyResult<impl Iterator<Item = PyResult<Bound<'py, PyAny>>>> {
    mapping.items()?.try_iter()
}

fn sixteen(bytes: &[u8], what: &str) -> PyResult<[u8; 16]> {
    bytes.try_into().map_err(|_| PyValueError::new_err(format!("{what} has 16 bytes, not {}", bytes.len())))
}

/// The `OSError` that Python itself would raise, subclass, errno and folder included.
fn os_error(error: &io::Error, folder: &Path) -> PyErr {
    match error.raw_os_error() {
        Some(errno) => {
            let text = error.to_string();
            let reason = text.split(" (os error").next().unwrap_or_default().to_owned();
            PyOSError::new_err((errno, reason, folder.to_path_buf()))
        }
        None => PyOSError::new_err(error.to_string()),
    }
}
