"""The consumer that docs/events.md shows, on a real Kafka."""

import asyncio
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
import pytest

from clicks.events.event import ClickEvent
from devstack.kafka import Kafka
from tests.integration.kafka.spooled import Spool, click, sink_of

DOCS: Final = Path(__file__).parents[3] / "docs"
EXAMPLE: Final = DOCS / "examples" / "consume_clicks.py"


@pytest.mark.slow
def test_it_adds_up_each_click_once(kafka_server: Kafka, kafka_topic: str, spool: Spool, tmp_path: Path) -> None:
    async def publish(times: int) -> None:
        click(writer, times)
        click(writer, 1, b"an-alias")
        sink = sink_of(kafka_server, kafka_topic)
        assert await spool.ship(sink)
        await sink.close()

    writer = spool.writer()
    file = tmp_path / "counts.db"
    for times in (3, 4):
        asyncio.run(publish(times))
        for _ in range(2):  # the second time there is nothing new
            command = [sys.executable, str(EXAMPLE), kafka_server.address, str(file), "--topic", kafka_topic]
            subprocess.run([*command, "--until-end"], check=True, timeout=30)
    writer.close()
    with closing(sqlite3.connect(file)) as db:
        assert sorted(db.execute("SELECT * FROM sum")) == [("", "abcdefg", "human", 7), ("", "an-alias", "human", 2)]


def test_the_page_tells_of_every_field_in_its_order() -> None:
    page = (DOCS / "events.md").read_text()
    told = re.findall(r"^\| `(\w+)` \|", page.partition("## Fields")[2].partition("\n## ")[0], re.MULTILINE)
    assert told == [field.encode_name for field in msgspec.structs.fields(ClickEvent)]


def test_the_example_on_the_page_is_an_event() -> None:
    page = (DOCS / "events.md").read_text()
    (shown,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert msgspec.json.decode(shown, type=ClickEvent).v == 1
