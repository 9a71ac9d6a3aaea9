"""The test helper's front does what ClickHouse's own HTTP interface does, as far as it is used."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from devstack.clickhouse import ClickHouse
from tests.servers import clickhouse_in

TABLE = """CREATE TABLE seen (n UInt64, text String) ENGINE = MergeTree ORDER BY n
    SETTINGS non_replicated_deduplication_window = 100"""


@pytest.fixture
def database(clickhouse_server: ClickHouse, clickhouse_url: str) -> str:
    name = clickhouse_url.rpartition("/")[2]
    clickhouse_server.query(f"CREATE DATABASE {name}")
    return name


def ask(server: ClickHouse, body: bytes, **parameters: object) -> tuple[bytes, dict[str, str]]:
    with urlopen(Request(f"http://127.0.0.1:{server.port}/?{urlencode(parameters)}", data=body), timeout=30) as reply:
        return reply.read(), dict(reply.headers)


def test_a_query_is_the_body_or_the_parameter_with_the_body_behind_it(
    clickhouse_server: ClickHouse, database: str
) -> None:
    clickhouse_server.query(TABLE, database)
    rows = b'{"n":1,"text":"a"}\n{"n":2,"text":"it\'s; \\u00fc"}\n'
    _, headers = ask(clickhouse_server, rows, query="INSERT INTO seen FORMAT JSONEachRow", database=database)
    assert json.loads(headers["X-ClickHouse-Summary"])["written_rows"] == "2"
    body, _ = ask(clickhouse_server, b"SELECT * FROM seen ORDER BY n FORMAT JSONCompactEachRow", database=database)
    assert body.decode() == '[1, "a"]\n[2, "it\'s; ü"]\n'


def test_values_come_as_parameters(clickhouse_server: ClickHouse) -> None:
    body, _ = ask(clickhouse_server, b"SELECT {text:String} || '!', {n:UInt64}", param_text="it's", param_n=7)
    assert body == b"it\\'s!\t7\n"


def test_a_block_with_a_known_token_is_left_out(clickhouse_server: ClickHouse, database: str) -> None:
    clickhouse_server.query(TABLE, database)
    for token in ("first", "first", "second"):
        row = b'INSERT INTO seen FORMAT JSONEachRow\n{"n":1,"text":"a"}'
        ask(clickhouse_server, row, database=database, insert_deduplication_token=token)
    assert clickhouse_server.query("SELECT count() FROM seen", database) == "2\n"


def test_settings_hold_for_their_query_alone(clickhouse_server: ClickHouse) -> None:
    sql = b"SELECT getSetting('insert_deduplication_token')"
    assert {ask(clickhouse_server, sql, insert_deduplication_token="x")[0] for _ in range(16)} == {b"x\n"}
    assert {ask(clickhouse_server, sql)[0] for _ in range(16)} == {b"\n"}


@pytest.mark.parametrize(
    ("sql", "code"), [("SELECT bad", "47"), ("SELEC 1", "62"), ("SELECT * FROM nothing", "60")], ids=str
)
def test_errors_have_their_code(clickhouse_server: ClickHouse, sql: str, code: str) -> None:
    with pytest.raises(HTTPError) as refused:
        ask(clickhouse_server, sql.encode())
    with refused.value as reply:
        assert reply.headers["X-ClickHouse-Exception-Code"] == code
        assert reply.read().startswith(f"Code: {code}. DB::Exception: ".encode())


@pytest.fixture(scope="module")
def own_server(server_folder: Path) -> Iterator[ClickHouse]:
    yield from clickhouse_in(server_folder / "clickhouse-killed")


@pytest.mark.slow
def test_what_was_inserted_survives_kill_9_and_tokens_too(own_server: ClickHouse) -> None:
    own_server.query(TABLE)
    row = b'INSERT INTO seen FORMAT JSONEachRow\n{"n":1,"text":"a"}'
    for _ in range(2):
        ask(own_server, row, insert_deduplication_token="first")
        own_server.kill()
        own_server.start()
    assert own_server.query("SELECT count() FROM seen") == "1\n"
