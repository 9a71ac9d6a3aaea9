//! The spool's reader, and the counts that it reads, as Python has them.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::create_exception;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyMapping, PyTuple};

use super::events::EventBatch;
use super::{os_error, pairs, sixteen};
use crate::spool::{self, Batch, Counts, Epoch, Watermarks};

create_exception!(redirect_core._core, SpoolLocked, PyOSError, "Another reader holds the spool.");

#[pyclass(module = "redirect_core", frozen, get_all)]
pub struct CountBatch {
    epoch: Py<PyBytes>,
    after_seq: u64,
    last_seq: u64,
    records: u64,
    lost: u64,
    oldest_ms: u64,
    user_agents: Py<PyList>,
    counts: Py<PyList>,
}

impl CountBatch {
    fn new(py: Python<'_>, batch: &Batch<Counts>) -> PyResult<Self> {
        let user_agents = batch.clicks.user_agents.iter().map(|text| PyBytes::new(py, text));
        let counts = batch
            .clicks
            .counts
            .iter()
            .map(|count| {
                let domain = PyBytes::new(py, &count.domain);
                let code = PyBytes::new(py, &count.code);
                (domain, code, count.hour_ms, count.flags, count.user_agent, count.clicks).into_pyobject(py)
            })
            .collect::<PyResult<Vec<Bound<'_, PyTuple>>>>()?;
        Ok(Self {
            epoch: PyBytes::new(py, &batch.epoch.0).unbind(),
            after_seq: batch.after_seq,
            last_seq: batch.last_seq,
            records: batch.records,
            lost: batch.lost,
            oldest_ms: batch.oldest_ms,
            user_agents: PyList::new(py, user_agents.collect::<Vec<_>>())?.unbind(),
            counts: PyList::new(py, counts)?.unbind(),
        })
    }
}

#[pyclass(module = "redirect_core", frozen)]
pub struct SpoolReader {
    /// `None`: closed.
    reader: Mutex<Option<spool::SpoolReader>>,
    folder: PathBuf,
}

#[pymethods]
impl SpoolReader {
    #[new]
    fn new(folder: PathBuf) -> PyResult<Self> {
        let reader = spool::SpoolReader::open(folder.clone()).map_err(|error| os_error(&error, &folder))?;
        let reader = reader.ok_or_else(|| {
            SpoolLocked::new_err((
                rustix::io::Errno::WOULDBLOCK.raw_os_error(),
                "another reader holds the spool",
                folder.clone(),
            ))
        })?;
        Ok(Self { reader: Mutex::new(Some(reader)), folder })
    }

    fn epochs<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let epochs = self.with(py, |reader| reader.epochs())?;
        Ok(epochs.iter().map(|epoch| PyBytes::new(py, &epoch.0)).collect())
    }

    #[getter]
    fn damaged(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let names = self.with(py, |reader| reader.damaged())?;
        Ok(names.iter().map(|name| name.to_string_lossy().into_owned()).collect())
    }

    #[getter]
    fn errors(&self, py: Python<'_>) -> PyResult<Vec<(String, String)>> {
        self.with(py, |reader| Ok(reader.errors()))
    }

    #[pyo3(signature = (watermarks, max_records = 200_000))]
    fn read(&self, py: Python<'_>, watermarks: &Bound<'_, PyMapping>, max_records: u64) -> PyResult<Vec<CountBatch>> {
        let watermarks = extract_watermarks(watermarks)?;
        let batches = self.with(py, |reader| reader.read(&watermarks, max_records))?;
        batches.iter().map(|batch| CountBatch::new(py, batch)).collect()
    }

    #[pyo3(signature = (watermarks, max_records = 20_000))]
    fn read_events(
        &self,
        py: Python<'_>,
        watermarks: &Bound<'_, PyMapping>,
        max_records: u64,
    ) -> PyResult<Vec<EventBatch>> {
        let watermarks = extract_watermarks(watermarks)?;
        let batches = self.with(py, |reader| reader.read_events(&watermarks, max_records))?;
        batches.into_iter().map(|batch| EventBatch::new(py, batch)).collect()
    }

    #[pyo3(signature = (watermarks, bytes_wanted = None))]
    fn free(&self, py: Python<'_>, watermarks: &Bound<'_, PyMapping>, bytes_wanted: Option<u64>) -> PyResult<u64> {
        let watermarks = extract_watermarks(watermarks)?;
        self.with(py, |reader| reader.free_oldest(&watermarks, bytes_wanted.unwrap_or(u64::MAX)))
    }

    fn size(&self, py: Python<'_>) -> PyResult<(u64, u64, u64)> {
        let size = self.with(py, spool::SpoolReader::size)?;
        Ok((size.bytes, size.segments, size.oldest_ms))
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(self.reader.lock().unwrap_or_else(PoisonError::into_inner).take()));
    }
}

impl SpoolReader {
    /// Do something with the reader while other threads run Python.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&mut spool::SpoolReader) -> io::Result<T> + Send,
    ) -> PyResult<T> {
        let done = py.detach(|| {
            // What it remembers between calls only saves it from looking again.
            let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
            reader.as_mut().map(act)
        });
        done.ok_or_else(|| PyValueError::new_err("the reader is closed"))?
            .map_err(|error| os_error(&error, &self.folder))
    }
}

fn extract_watermarks(watermarks: &Bound<'_, PyMapping>) -> PyResult<Watermarks> {
    pairs(watermarks)?
        .map(|pair| {
            let (epoch, seq): (Vec<u8>, u64) = pair?.extract()?;
            Ok((Epoch(sixteen(&epoch, "an epoch")?), seq))
        })
        .collect::<PyResult<HashMap<_, _>>>()
}
