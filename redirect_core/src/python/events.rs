//! Single clicks and their JSON, as Python has them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::spool::{Batch, Description, Encoder, Event, Events, partition};

/// JSON made at once without the interpreter. So a batch of hostile clicks, some kilobytes each, is not in memory twice,
/// and one of ordinary clicks asks for the interpreter a few times only.
const CHUNK_BYTES: usize = 4 << 20;

#[pyclass(module = "redirect_core", frozen)]
pub struct EventBatch {
    batch: Batch<Events>,
    #[pyo3(get)]
    epoch: Py<PyBytes>,
    #[pyo3(get)]
    agents: Py<PyList>,
    #[pyo3(get)]
    networks: Py<PyList>,
    #[pyo3(get)]
    referrers: Py<PyList>,
    #[pyo3(get)]
    languages: Py<PyList>,
    #[pyo3(get)]
    links: Py<PyList>,
}

impl EventBatch {
    pub fn new(py: Python<'_>, batch: Batch<Events>) -> PyResult<Self> {
        let clicks = &batch.clicks;
        Ok(Self {
            epoch: PyBytes::new(py, &batch.epoch.0).unbind(),
            agents: list(py, &clicks.agents, |(text, flags)| (PyBytes::new(py, text), *flags))?,
            networks: list(py, &clicks.networks, |address| PyBytes::new(py, address.to_string().as_bytes()))?,
            referrers: list(py, &clicks.referrers, |text| PyBytes::new(py, text))?,
            languages: list(py, &clicks.languages, |text| PyBytes::new(py, text))?,
            links: list(py, &clicks.links, |(domain, code)| (PyBytes::new(py, domain), PyBytes::new(py, code)))?,
            batch,
        })
    }
}

#[pymethods]
impl EventBatch {
    #[getter]
    fn worker(&self) -> u32 {
        self.batch.worker
    }

    #[getter]
    fn after_seq(&self) -> u64 {
        self.batch.after_seq
    }

    #[getter]
    fn last_seq(&self) -> u64 {
        self.batch.last_seq
    }

    #[getter]
    fn records(&self) -> u64 {
        self.batch.records
    }

    #[getter]
    fn oldest_ms(&self) -> u64 {
        self.batch.oldest_ms
    }

    #[pyo3(signature = (node, agents, networks, referrers, languages, links, *, partitions = 1))]
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)] // the contract's; and Python lends no slices
    fn encode<'py>(
        &self,
        py: Python<'py>,
        node: &str,
        agents: Vec<PyBackedBytes>,
        networks: Vec<PyBackedBytes>,
        referrers: Vec<PyBackedBytes>,
        languages: Vec<PyBackedBytes>,
        links: Vec<PyBackedBytes>,
        partitions: u32,
    ) -> PyResult<Vec<Bound<'py, PyList>>> {
        if partitions == 0 {
            return Err(PyValueError::new_err("partitions is 0"));
        }
        let description = Description {
            node,
            agents: &agents,
            networks: &networks,
            referrers: &referrers,
            languages: &languages,
            links: &links,
        };
        let json = Encoder::new(&self.batch, description).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let mut partitioned = Partitioned::new(py, &self.batch.clicks, partitions);
        let mut events = &self.batch.clicks.events[..];
        let (mut chunk, mut ends) = (Vec::new(), Vec::new());
        while !events.is_empty() {
            py.detach(|| fill(&json, events, &mut chunk, &mut ends));
            let (encoded, rest) = events.split_at(ends.len());
            partitioned.add(py, encoded, &chunk, &ends)?;
            events = rest;
        }
        partitioned.lists.into_iter().map(|list| PyList::new(py, list)).collect()
    }
}

/// Encode as many events as a chunk takes; `ends`: where each one ends.
fn fill(encoder: &Encoder<'_, PyBackedBytes>, events: &[Event], chunk: &mut Vec<u8>, ends: &mut Vec<usize>) {
    chunk.clear();
    ends.clear();
    for event in events {
        encoder.push(chunk, event);
        ends.push(chunk.len());
        if chunk.len() >= CHUNK_BYTES {
            break;
        }
    }
}

/// Events by Kafka partition.
struct Partitioned<'py> {
    lists: Vec<Vec<Bound<'py, PyTuple>>>,
    /// By link: its code, and the code's partition.
    codes: Vec<(Bound<'py, PyBytes>, usize)>,
}

impl<'py> Partitioned<'py> {
    fn new(py: Python<'py>, events: &Events, partitions: u32) -> Self {
        let codes = events.links.iter().map(|(_, code)| (PyBytes::new(py, code), partition(code, partitions) as usize));
        Self { codes: codes.collect(), lists: vec![Vec::new(); partitions as usize] }
    }

    fn add(&mut self, py: Python<'py>, events: &[Event], chunk: &[u8], ends: &[usize]) -> PyResult<()> {
        let mut start = 0;
        for (event, &end) in events.iter().zip(ends) {
            let (code, partition) = &self.codes[event.link as usize];
            let text = PyBytes::new(py, &chunk[start..end]);
            self.lists[*partition].push((code, text, event.time_ms).into_pyobject(py)?);
            start = end;
        }
        Ok(())
    }
}

fn list<'py, V, T: IntoPyObject<'py>>(
    py: Python<'py>,
    values: &[V],
    convert: impl Fn(&V) -> T,
) -> PyResult<Py<PyList>> {
    Ok(PyList::new(py, values.iter().map(convert).collect::<Vec<_>>())?.unbind())
}
