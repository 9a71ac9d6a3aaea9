"""Settings of a topic and a database that only one test uses."""

import pytest

from devstack.kafka import Kafka
from shortlink.settings import Settings
from tests.integration.ingest.chain import settings_of


@pytest.fixture
def settings(kafka_server: Kafka, kafka_topic: str, clickhouse_url: str) -> Settings:
    return settings_of(kafka_server.address, kafka_topic, clickhouse_url)
