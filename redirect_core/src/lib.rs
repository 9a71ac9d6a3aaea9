//! The Python module `redirect_core._core`: conversions only, no logic.
#[cfg(feature = "extension-module")]
mod python {
    use pyo3::prelude::*;

    #[pymodule]
    fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
