"""The sink on a real Kafka: what is published, how often, and who may publish."""

import asyncio
from collections import defaultdict

import msgspec
import pytest

from clicks.counts import DAY_MS, HOUR_MS
from clicks.sinks.contract import SinkTakenOver
from clicks.sinks.kafka_client import KafkaClients
from devstack.kafka import Kafka
from shortlink.errors import StoreUnavailable
from tests.integration.kafka.spooled import NODE, Spool, click, events_in, records_in, seqs, settings_of, sink_of
from tests.store_contract.clicks.samples import ManualClock

pytestmark = pytest.mark.slow  # it asks for a Kafka


def test_each_click_is_published_once_under_its_code(kafka_server: Kafka, kafka_topic: str, spool: Spool) -> None:
    async def test() -> None:
        writers = [spool.writer(worker) for worker in range(2)]
        sink = sink_of(kafka_server, kafka_topic)
        for code in (b"abcdefg", b"bcdefgh", b"an-alias"):
            for writer in writers:
                click(writer, 5, code)
            assert await spool.ship(sink)
        events = await events_in(kafka_server, kafka_topic)
        assert {epoch: sorted(found) for epoch, found in seqs(events).items()} == {
            writer.epoch.hex(): list(range(1, 16)) for writer in writers
        }
        assert await sink.watermarks() == {writer.epoch: 15 for writer in writers}
        await sink.close()
        for writer in writers:
            writer.close()

    asyncio.run(test())


def test_a_code_has_one_partition_and_its_clicks_their_order(
    kafka_server: Kafka, kafka_topic: str, spool: Spool
) -> None:
    async def test() -> None:
        writer = spool.writer()
        sink = sink_of(kafka_server, kafka_topic)
        for n in range(60):
            click(writer, 1, b"%07d" % (n % 20))
        assert await spool.ship(sink, max_records=35)
        assert await spool.ship(sink)
        partitions = defaultdict(set)
        found = defaultdict(list)
        for record in await records_in(kafka_server, kafka_topic):
            event = msgspec.json.decode(record.value)
            assert record.key == event["code"].encode()
            partitions[event["code"]].add(record.partition)
            found[event["code"]].append(event["seq"])
        assert {len(places) for places in partitions.values()} == {1}
        assert len({place for places in partitions.values() for place in places}) == 3
        assert all(order == sorted(order) and len(order) == 3 for order in found.values())
        await sink.close()
        writer.close()

    asyncio.run(test())


def test_who_comes_next_goes_on_where_the_last_one_stopped(kafka_server: Kafka, kafka_topic: str, spool: Spool) -> None:
    async def test() -> None:
        writer = spool.writer()
        for after in (0, 3, 6):
            sink = sink_of(kafka_server, kafka_topic)
            assert await sink.watermarks() == ({writer.epoch: after} if after else {})
            click(writer, 3)
            assert await spool.ship(sink)
            await sink.close()
        assert seqs(await events_in(kafka_server, kafka_topic)) == {writer.epoch.hex(): list(range(1, 10))}
        writer.close()

    asyncio.run(test())


def test_clicks_that_do_not_follow_the_watermark_are_refused(
    kafka_server: Kafka, kafka_topic: str, spool: Spool
) -> None:
    async def test() -> None:
        writer = spool.writer()
        sink = sink_of(kafka_server, kafka_topic)
        click(writer, 3)
        batches = await spool.batches({})
        assert await sink.add(batches)
        assert not await sink.add(batches)
        assert len(await events_in(kafka_server, kafka_topic)) == 3
        await sink.close()
        writer.close()

    asyncio.run(test())


def test_what_was_not_committed_is_not_there(kafka_server: Kafka, kafka_topic: str, spool: Spool) -> None:
    """A sink that goes away in a transaction has published nothing of it, and the next one publishes it once."""

    async def test() -> None:
        writer = spool.writer()
        click(writer, 500)
        first = sink_of(kafka_server, kafka_topic)
        batches = await spool.batches(await first.watermarks())
        adding = asyncio.create_task(first.add(batches))
        await asyncio.sleep(0.005)
        adding.cancel()
        await asyncio.gather(adding, return_exceptions=True)
        second = sink_of(kafka_server, kafka_topic)
        if await second.watermarks() == {}:  # else it was quicker
            assert await spool.ship(second)
        assert seqs(await events_in(kafka_server, kafka_topic)) == {writer.epoch.hex(): list(range(1, 501))}
        await first.close()
        await second.close()
        writer.close()

    asyncio.run(test())


def test_a_second_shipper_of_a_node_ends_the_work_of_the_first(
    kafka_server: Kafka, kafka_topic: str, spool: Spool
) -> None:
    async def test() -> None:
        writer = spool.writer()
        first = sink_of(kafka_server, kafka_topic)
        click(writer, 3)
        assert await spool.ship(first)
        second = sink_of(kafka_server, kafka_topic)
        click(writer, 3)
        assert await spool.ship(second)
        batches = await spool.batches({writer.epoch: 3})
        with pytest.raises(StoreUnavailable):
            await first.add(batches)
        with pytest.raises(SinkTakenOver, match=f"publishes to Kafka as node {NODE}"):
            await first.add(batches)
        click(writer)
        assert await spool.ship(second)
        assert seqs(await events_in(kafka_server, kafka_topic)) == {writer.epoch.hex(): list(range(1, 8))}
        await first.close()
        await second.close()
        writer.close()

    asyncio.run(test())


def test_topics_that_were_deleted_are_made_anew(kafka_server: Kafka, kafka_topic: str, spool: Spool) -> None:
    """As an operator does who wants to begin afresh: nobody else has taken over, and what the spool has comes again."""

    async def test() -> None:
        writer = spool.writer()
        sink = sink_of(kafka_server, kafka_topic)
        click(writer, 3)
        assert await spool.ship(sink)
        async with KafkaClients(settings_of(kafka_server)).admin() as admin:
            await admin.delete_topics([kafka_topic, f"{kafka_topic}.watermarks"])
        await sink.close()  # as after any trouble
        assert await sink.watermarks() == {}
        click(writer, 2)
        assert await spool.ship(sink)
        assert seqs(await events_in(kafka_server, kafka_topic)) == {writer.epoch.hex(): list(range(1, 6))}
        await sink.close()
        writer.close()

    asyncio.run(test())


def test_the_watermark_of_a_worker_that_is_gone_is_forgotten_after_a_day(
    kafka_server: Kafka, kafka_topic: str, spool: Spool
) -> None:
    async def test() -> None:
        clock = ManualClock()
        old, new = spool.writer(0), spool.writer(1)
        sink = sink_of(kafka_server, kafka_topic, clock)
        click(old)
        click(new)
        assert await spool.ship(sink)
        for hours in (0, 20, 3):
            clock.advance(hours * HOUR_MS)
            assert await sink.forget_epochs([new.epoch], clock.now_ms()) == 0
        clock.advance(HOUR_MS)
        assert await sink.forget_epochs([new.epoch], clock.now_ms()) == 1
        assert await sink.watermarks() == {new.epoch: 1}
        await sink.close()
        again = sink_of(kafka_server, kafka_topic, clock)
        assert await again.watermarks() == {new.epoch: 1}
        clock.advance(DAY_MS - 1)
        assert await again.forget_epochs([], clock.now_ms()) == 0  # it was touched when the other was forgotten
        await again.close()
        old.close()
        new.close()

    asyncio.run(test())


def test_topics_that_are_there_stay_as_they_are(kafka_server: Kafka, kafka_topic: str, spool: Spool) -> None:
    async def test() -> None:
        writer = spool.writer()
        sink = sink_of(kafka_server, kafka_topic, partitions=5)
        await sink.open()
        await sink.close()
        sink = sink_of(kafka_server, kafka_topic, partitions=2)
        for n in range(100):
            click(writer, 1, b"%07d" % n)
        assert await spool.ship(sink)
        assert {record.partition for record in await records_in(kafka_server, kafka_topic)} == set(range(5))
        await sink.close()
        writer.close()

    asyncio.run(test())
