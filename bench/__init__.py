"""edge302 beside what it is compared with, on one machine in one run; docs/bench.md says how to read it."""
