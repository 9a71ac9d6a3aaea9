"""What every test may ask for: real servers."""

from tests.servers import (
    clickhouse_server,
    clickhouse_url,
    database_url,
    kafka_server,
    kafka_topic,
    postgres_server,
    redis_server,
    server_folder,
)

__all__ = [
    "clickhouse_server",
    "clickhouse_url",
    "database_url",
    "kafka_server",
    "kafka_topic",
    "postgres_server",
    "redis_server",
    "server_folder",
]
