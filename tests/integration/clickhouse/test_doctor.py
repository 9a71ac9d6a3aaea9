"""What doctor says of ClickHouse."""

import asyncio

from clicks.stores.clickhouse_database import ClickHouseDatabase
from clicks.stores.clickhouse_schema import prepare
from devstack.clickhouse import ClickHouse
from devstack.processes import free_port
from edge302.doctor import clickhouse as doctor
from edge302.doctor.findings import Verdict
from shortlink.settings import Settings
from tests.integration.clickhouse.samples import json_lines
from tests.store_contract.events.samples import event


def settings(url: str) -> Settings:
    return Settings(kafka_bootstrap_servers=("localhost:9092",), clickhouse_url=url)


async def one_click(url: str) -> None:
    database = ClickHouseDatabase(url, timeout_ms=30_000)
    await prepare(database, 90)
    await database.insert_json_rows("click_event", json_lines(event(1, time=4_000_000_000_000)), "block")
    await database.close()


def test_doctor_says_whether_clickhouse_answers_and_makes_nothing(
    clickhouse_server: ClickHouse, clickhouse_url: str
) -> None:
    assert list(doctor.check(Settings())) == []
    (away,) = doctor.check(settings(f"http://127.0.0.1:{free_port()}/edge302"))
    assert away.verdict is Verdict.WARN
    (new,) = doctor.check(settings(clickhouse_url))
    assert (new.verdict, "will make its tables" in new.text) == (Verdict.OK, True)
    assert clickhouse_url.rpartition("/")[2] not in clickhouse_server.query("SHOW DATABASES").split()
    asyncio.run(one_click(clickhouse_url))
    (there,) = doctor.check(settings(clickhouse_url))
    assert (there.verdict, "1 clicks one by one" in there.text) == (Verdict.OK, True)
