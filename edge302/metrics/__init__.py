"""The node's metrics for Prometheus: all its processes together, on one loopback port."""
