"""Ingest: carries committed clicks from Kafka into ClickHouse, each exactly once (docs/adr/0011)."""
