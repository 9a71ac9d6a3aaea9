"""HTTP/1 as the edge speaks it: pure functions from bytes to decisions, and from decisions to bytes."""
