"""Kafka that wants a password and TLS, one that is not there, and what doctor says of each."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from clicks.sinks.kafka import KafkaSink
from clicks.sinks.kafka_client import KafkaClients
from devstack.kafka import Kafka
from devstack.processes import free_port
from devstack.services import find
from edge302.doctor import kafka as doctor
from edge302.doctor.findings import Verdict
from shortlink.clock import SystemClock
from shortlink.errors import StoreUnavailable
from shortlink.settings import Settings
from tests.integration.kafka.spooled import Spool, click, settings_of
from tests.servers import kafka_in, require

pytestmark = pytest.mark.slow
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 in one file, signed by itself."""
    require(find("openssl") is not None, "openssl")
    folder = tmp_path_factory.mktemp("certificate")
    key, signed, both = (folder / name for name in ("key.pem", "signed.pem", "both.pem"))
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(signed)),
        ],
        check=True,
        capture_output=True,
    )
    both.write_text(key.read_text() + signed.read_text())
    return both


@pytest.fixture(scope="module")
def closed_kafka(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[Kafka]:
    yield from kafka_in(
        tmp_path_factory.mktemp("closed") / "kafka",
        {
            "listener.security.protocol.map": "CLIENTS:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "listener.name.clients.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.clients.plain.sasl.jaas.config": f'{PLAIN} required user_edge302="secret";',
            "listener.name.clients.ssl.keystore.type": "PEM",
            "listener.name.clients.ssl.keystore.location": str(certificate),
        },
    )


@pytest.fixture
def settings(closed_kafka: Kafka, certificate: Path) -> Settings:
    """Those that it lets in."""
    return msgspec.structs.replace(
        settings_of(closed_kafka),
        kafka_security="SASL_SSL",
        kafka_sasl_mechanism="PLAIN",
        kafka_username="edge302",
        kafka_password="secret",
        kafka_ca_file=certificate,
    )


def test_who_has_the_password_publishes(settings: Settings, kafka_topic: str, spool: Spool) -> None:
    async def test() -> None:
        writer = spool.writer()
        click(writer, 3)
        sink = KafkaSink(KafkaClients(settings), topic=kafka_topic, partitions=1, node="n", clock=SystemClock())
        assert await spool.ship(sink)
        assert await sink.watermarks() == {writer.epoch: 3}
        await sink.close()
        writer.close()

    asyncio.run(test())


def test_a_wrong_password_is_told_by_its_setting(settings: Settings, kafka_topic: str) -> None:
    async def test() -> None:
        wrong = msgspec.structs.replace(settings, kafka_password="guess")
        sink = KafkaSink(KafkaClients(wrong), topic=kafka_topic, partitions=1, node="n", clock=SystemClock())
        with pytest.raises(StoreUnavailable, match="EDGE302_KAFKA_"):
            await sink.open()
        await sink.close()

    asyncio.run(test())


def test_doctor_tells_of_kafka(kafka_server: Kafka, kafka_topic: str, settings: Settings) -> None:
    assert list(doctor.check(Settings())) == []
    (nothing,) = doctor.check(Settings(kafka_bootstrap_servers=(f"127.0.0.1:{free_port()}",)))
    assert nothing.verdict is Verdict.WARN
    assert "EDGE302_KAFKA_BOOTSTRAP_SERVERS" in nothing.text
    (closed,) = doctor.check(msgspec.structs.replace(settings, kafka_ca_file=None))
    assert closed.verdict is Verdict.WARN
    named = msgspec.structs.replace(settings_of(kafka_server), kafka_topic=kafka_topic)
    (new,) = doctor.check(named)
    assert (new.verdict, "will make the topic" in new.text) == (Verdict.OK, True)
    asyncio.run(KafkaClients(named).make_topics({kafka_topic: 4}, {}))
    (there,) = doctor.check(named)
    assert (there.verdict, "has 4 partitions" in there.text) == (Verdict.OK, True)
