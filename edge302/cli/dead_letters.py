"""`edge302 dead-letters list` and `replay`: events that could not be stored in ClickHouse."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click
import msgspec

from edge302.cli import exits, options
from edge302.cli.tables import show

if TYPE_CHECKING:
    from clicks.ingest.replay import Letter, Replayed, WaitingLetters
    from shortlink.settings import Settings

# What somebody sent comes last: it is cut to what fits, and moves nothing.
COLUMNS: Final = {"from": "FROM", "at": "AT", "kind": "KIND", "reason": "REASON"}


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at events that could not be stored in ClickHouse, and store them once that is mended.

    They are in Kafka's topic of clicks with `.dead` behind its name. EDGE302_KAFKA_… say where that is.
    """


@dead_letters.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with the event as it came.")
def list_(*, as_json: bool) -> None:
    """List those that were not replayed yet, and why each was refused."""
    rows = asyncio.run(_read(_waiting(options.settings({}))))
    if as_json:
        for each in rows:
            click.echo(msgspec.json.encode(each))
    else:
        show(COLUMNS, rows)


@dead_letters.command()
@click.option("--discard", is_flag=True, help="Give up those that still can't be stored.")
@click.pass_context
def replay(ctx: click.Context, /, *, discard: bool) -> None:
    """Store in ClickHouse each that is not there yet; what is refused again stays, and ends this with exit code 4.

    Ingest may go on meanwhile. It may be interrupted, and run again.
    """
    settings = options.settings({})
    done = asyncio.run(_replay(_waiting(settings), settings, discard))
    left = "given up" if discard else "refused again"
    click.echo(f"{done.stored} stored, {done.known} there already, {done.refused} {left}.")
    ctx.exit(exits.SOME_REJECTED if done.refused and not discard else exits.DONE)


def _waiting(settings: "Settings") -> "WaitingLetters":
    from clicks.ingest.replay import WaitingLetters
    from clicks.sinks.kafka_client import KafkaClients
    from shortlink.settings import BadSetting

    if not settings.kafka_bootstrap_servers:
        raise BadSetting("EDGE302_KAFKA_BOOTSTRAP_SERVERS: dead letters are in Kafka; say where that is")
    return WaitingLetters(KafkaClients(settings), settings.kafka_topic)


async def _read(waiting: "WaitingLetters") -> list[dict[str, object]]:
    return [_told(letter) async for letters in waiting.read() for letter in letters]


def _told(letter: "Letter") -> dict[str, object]:
    return {
        "from": f"{letter.place.topic}/{letter.place.partition}/{letter.offset}",
        "at": f"{datetime.fromtimestamp(letter.at_ms / 1_000, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "kind": letter.kind,
        "reason": letter.reason,
        "event": None if letter.value is None else letter.value.decode(errors="replace"),
    }


async def _replay(waiting: "WaitingLetters", settings: "Settings", discard: bool) -> "Replayed":
    from clicks.ingest.table import ClickHouseTable
    from clicks.stores.clickhouse_database import ClickHouseDatabase
    from shortlink.settings import BadSetting

    if settings.clickhouse_url is None:
        raise BadSetting("EDGE302_CLICKHOUSE_URL: letters are replayed into ClickHouse; say where that is")
    database = ClickHouseDatabase(settings.clickhouse_url, timeout_ms=settings.clickhouse_timeout_ms)
    try:
        return await waiting.replay(ClickHouseTable(database), discard=discard)
    finally:
        await database.close()
