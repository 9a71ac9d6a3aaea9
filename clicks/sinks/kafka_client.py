"""Clients of Kafka as the settings describe it; the only file that knows its driver."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final

from aiokafka import (  # type: ignore[import-untyped]
    AIOKafkaConsumer,
    AIOKafkaProducer,
    ConsumerRebalanceListener,
    OffsetAndMetadata,
    TopicPartition,
)
from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType  # type: ignore[import-untyped]
from aiokafka.errors import (  # type: ignore[import-untyped]
    CommitFailedError,
    ConsumerStoppedError,
    IllegalOperation,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAlreadyExistsError,
    for_code,
)

from shortlink.errors import StoreUnavailable
from shortlink.settings import Settings

__all__ = [
    "CommitFailedError",
    "Consumer",
    "ConsumerRebalanceListener",
    "KafkaClients",
    "OffsetAndMetadata",
    "Producer",
    "TopicPartition",
]

# A request that is not answered for so long is given up; what it was about is asked again on a new connection.
REQUEST_MS: Final = 10_000
# How long a transaction of a shipper that was killed can hold back readers of committed events, at most; one that is
# started again ends it at once.
TRANSACTION_MS: Final = 20_000
# Of what is not compressed yet, so that no batch is over the 1 MiB that brokers take by default.
BATCH_BYTES: Final = 900_000
CLOSE_SECONDS: Final = 2.0


class KafkaClients:
    """Makes producers, consumers and administrators for the cluster that the settings name.

    Their methods raise the driver's errors; `translated` makes StoreUnavailable of them.
    """

    def __init__(self, settings: Settings) -> None:
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it has to say is in the errors it raises
        self.brokers = ",".join(settings.kafka_bootstrap_servers)
        self._replication = settings.kafka_replication
        self._access: dict[str, Any] = {
            "bootstrap_servers": list(settings.kafka_bootstrap_servers),
            "client_id": "edge302",
            "request_timeout_ms": REQUEST_MS,
            "security_protocol": settings.kafka_security,
        }
        if settings.kafka_security.endswith("SSL"):
            self._access["ssl_context"] = ssl.create_default_context(cafile=settings.kafka_ca_file)
        if settings.kafka_security.startswith("SASL"):
            self._access["sasl_mechanism"] = settings.kafka_sasl_mechanism
            self._access["sasl_plain_username"] = settings.kafka_username
            self._access["sasl_plain_password"] = settings.kafka_password

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise StoreUnavailable for what goes wrong between us and the brokers."""
        try:
            yield
        # An assertion is what the driver says of a producer that failed between two transactions.
        except (KafkaError, IllegalOperation, ConsumerStoppedError, AssertionError, OSError, TimeoutError) as exc:
            raise StoreUnavailable(f"Kafka at {self.brokers}: {_told(exc)}") from exc

    def producer(self, transactional_id: str | None) -> "Producer":
        """Not yet started. What it sends is compressed, and acknowledged by all replicas in sync.

        `transactional_id`: None: without transactions.
        """
        return Producer(
            **self._access,
            transactional_id=transactional_id,
            transaction_timeout_ms=TRANSACTION_MS,
            acks="all",
            # Of 400,000 events of 600 bytes it left 15 MB, lz4 23 MB, for the same time.
            compression_type="zstd",
            max_batch_size=BATCH_BYTES,
            max_request_size=2 * BATCH_BYTES,
        )

    def consumer(self, *topics: str, group: str | None = None, **options: object) -> "Consumer":
        """Not yet started: of committed messages alone, from the first on, and nothing is committed by itself.

        `options`: further ones of AIOKafkaConsumer.
        """
        chosen: dict[str, object] = {
            "isolation_level": "read_committed",
            "auto_offset_reset": "earliest",
            "enable_auto_commit": False,
            **options,
        }
        return Consumer(*topics, group_id=group, **self._access, **chosen)

    @asynccontextmanager
    async def reading(self, partition: TopicPartition) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer of one partition, at its beginning, outside of any group; closed at the end."""
        consumer = self.consumer()
        try:
            await consumer.start()
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            yield consumer
        finally:
            await consumer.stop()

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        """Started, and closed at the end."""
        admin = AIOKafkaAdminClient(**self._access)
        try:
            await admin.start()
            yield admin
        finally:
            with suppress(Exception):  # one that could not start can't always be closed
                await admin.close()

    async def make_topics(self, partitions: Mapping[str, int], configs: Mapping[str, Mapping[str, str]]) -> None:
        """Make those topics that are missing; those that are there stay as they are.

        StoreUnavailable: they can't be made.

        Args:
            partitions: how many, by topic.
            configs: of some topics, such as {"clicks.watermarks": {"cleanup.policy": "compact"}}.
        """
        with self.translated():
            async with self.admin() as admin:
                there = await admin.list_topics()
                missing = [topic for topic in partitions if topic not in there]
                if missing:
                    copies = self._replication if self._replication > 0 else await _default_replication(admin)
                    response = await admin.create_topics(
                        [NewTopic(topic, partitions[topic], copies, None, configs.get(topic)) for topic in missing]
                    )
                    _check_made(response.topic_errors)

    async def partitions_of(self, topic: str) -> int:
        """How many it has; 0: there is no such topic. StoreUnavailable."""
        with self.translated():
            async with self.admin() as admin:
                if topic not in await admin.list_topics():
                    return 0
                (described,) = await admin.describe_topics([topic])
                return len(described["partitions"])

    async def committed(self, group: str, places: Iterable[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        """How far a consumer group has come in each place; offset -1: nowhere yet. StoreUnavailable."""
        asked = list(places)
        with self.translated():
            async with self.admin() as admin:
                found: dict[TopicPartition, OffsetAndMetadata] = await admin.list_consumer_group_offsets(
                    group, partitions=asked
                )
        # A coordinator that is just being moved or started answers with an error and no partitions, and the driver
        # looks at the latter alone. Taken for nothing committed, that would have a group begin anew.
        if not found.keys() >= set(asked):
            raise StoreUnavailable(f"Kafka at {self.brokers}: the group {group} can't be asked at this moment")
        return found


class Consumer(AIOKafkaConsumer):  # type: ignore[misc]
    """A consumer that tells of its membership."""

    @property
    def generation(self) -> int:
        """Of the group, as this member knows it; below 1: it is no member now."""
        return int(self._coordinator.generation)

    async def leave(self) -> None:
        """Stop, and tell the group so, which else waits for a member with `group_instance_id` to return."""
        self._coordinator._group_instance_id = None  # noqa: SLF001 (the driver tells only without one)
        await self.stop()


class Producer(AIOKafkaProducer):  # type: ignore[misc]
    """A transactional producer that can be dropped whatever it is doing."""

    async def hand_over(self, batch: object, topic: str, partition: int) -> "asyncio.Future[object]":
        """As `send_batch`; its error need not be asked for, since a transaction fails with the first."""
        future: asyncio.Future[object] = await self.send_batch(batch, topic, partition=partition)
        future.add_done_callback(_heard)
        return future

    async def abandon(self) -> None:
        """Let go of everything, and wait for no answer; the transaction under way ends when another producer begins.

        `stop` would wait for what was sent, and so for ever for a broker that hangs.
        """
        self._closed = True  # so the destructor does not miss it
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.client.close()
        transaction = self._txn_manager and self._txn_manager.wait_for_transaction_end()
        if transaction is not None:
            transaction.add_done_callback(_heard)
        sender = self._sender.sender_task
        while sender is not None and not sender.done():
            sender.cancel()  # once for itself, and once for each request that it waits for then
            await asyncio.wait([sender], timeout=0.01)
        if sender is not None:
            sender.add_done_callback(_heard)


def _heard(future: "asyncio.Future[object]") -> None:
    """Whoever waited for it was told of its error, or of another that came first."""
    if not future.cancelled():
        future.exception()


async def _default_replication(admin: AIOKafkaAdminClient) -> int:
    """As the broker has it; the driver's way of making topics can't leave it to the broker."""
    broker = (await admin.describe_cluster())["brokers"][0]["node_id"]
    asked = ConfigResource(ConfigResourceType.BROKER, str(broker), {_REPLICATION: None})
    for response in await admin.describe_configs([asked]):
        for code, told, _, _, entries in response.resources:
            if code:
                error: type[Exception] = for_code(code)
                raise error(f"set EDGE302_KAFKA_REPLICATION, since the broker does not tell its own: {told}")
            return int(entries[0][1])
    return 1


_REPLICATION: Final = "default.replication.factor"


def _check_made(answers: Iterable[tuple[str, int, str]]) -> None:
    """Raise what the broker answered, unless the topic is there now."""
    for topic, code, told in answers:
        error: type[Exception] = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"topic {topic}: {told or error.__name__}")


def _told(error: BaseException) -> str:
    """What went wrong, and what helps where that is known."""
    if isinstance(error, TimeoutError):
        return "no answer in time; see that it runs, and that EDGE302_KAFKA_BOOTSTRAP_SERVERS is right"
    if isinstance(error, KafkaConnectionError):  # which keeps to itself whether it was a refusal, TLS or the password
        return (
            "can't connect; see that it runs, and that EDGE302_KAFKA_BOOTSTRAP_SERVERS, and EDGE302_KAFKA_SECURITY with"
            " _USERNAME, _PASSWORD, _SASL_MECHANISM and _CA_FILE, are right"
        )
    if isinstance(error, MessageSizeTooLargeError):
        return f"{error}; set max.message.bytes of the topic to 1048588 or more"
    return str(error) or type(error).__name__
