"""The protocol on uvloop and real sockets, where the kernel has its say."""

import asyncio
import socket
from pathlib import Path

from shortlink.settings import Settings
from tests.engine_contract.parts import get, make_link, parse_replies
from tests.engine_contract.serving import run, serving, until
from tests.unit.gateway_protocol.conftest import MakeBench

GOOD = get("known01")


def test_a_half_closed_client_gets_every_answer(make_bench: MakeBench) -> None:
    node = make_bench().node

    async def scenario() -> None:
        async with serving(node, Settings()) as (edge, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(GOOD * 300)
            writer.write_eof()
            replies = parse_replies(await reader.read())
            assert [reply.status for reply in replies] == [302] * 300
            writer.close()
            await until(lambda: edge.idle)

    run(scenario)


def test_no_reset_overtakes_a_refusal(make_bench: MakeBench) -> None:
    """A client that sends a large body reads its answer though nobody reads the body."""
    node = make_bench().node

    async def scenario() -> None:
        async with serving(node, Settings()) as (_, port):
            for _ in range(20):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(get("known01", "Content-Length: 400000", method="POST") + b"x" * 400_000)
                await writer.drain()
                (reply,) = parse_replies(await reader.read())
                assert reply.status == 405
                writer.close()
                await writer.wait_closed()

    run(scenario)


def test_a_client_that_resets_leaves_nothing_behind(make_bench: MakeBench) -> None:
    node = make_bench().node

    async def scenario() -> None:
        async with serving(node, Settings()) as (edge, port):
            for sent in (b"", GOOD[:9], GOOD, GOOD * 1_000):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(sent)
                await writer.drain()
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                writer.transport.abort()
            await until(lambda: edge.idle)

    run(scenario)
    assert node.page["engine_errors"] == 0


def test_a_slow_reader_gets_all_and_memory_is_not_its_to_fill(make_bench: MakeBench) -> None:
    node = make_bench(keepalive_requests=0).node
    node.add(make_link("long001", target="https://example.com/" + "p" * 7_900))
    count = 2_000

    async def scenario() -> None:
        async with serving(node, Settings(keepalive_requests=0)) as (edge, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16)
            writer.write(get("long001"))
            reply = await reader.readuntil(b"\r\n\r\n")
            sending = asyncio.create_task(_send(writer, get("long001") * count))
            await until(lambda: node.spool.spooled > 100)
            await asyncio.sleep(0.1)
            assert node.spool.spooled < count  # as much as the kernel's buffers hold, and 64 KiB
            received = await reader.readexactly(len(reply) * count)
            assert {received[at : at + 12] for at in range(0, len(received), len(reply))} == {b"HTTP/1.1 302"}
            await sending
            writer.close()
            await until(lambda: edge.idle)

    run(scenario)
    assert node.spool.spooled == count + 1


def test_a_unix_socket(make_bench: MakeBench, tmp_path: Path) -> None:
    node = make_bench().node

    async def scenario() -> None:
        path = tmp_path / "edge.sock"
        async with serving(node, Settings(), path):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(get("known01", "Connection: close"))
            (reply,) = parse_replies(await reader.read())
            assert reply.status == 302
            writer.close()

    run(scenario)


def test_draining_lets_requests_finish(make_bench: MakeBench) -> None:
    node = make_bench().node

    async def scenario() -> None:
        async with serving(node, Settings()) as (edge, port):
            busy_reader, busy = await asyncio.open_connection("127.0.0.1", port)
            idle_reader, idle = await asyncio.open_connection("127.0.0.1", port)
            idle.write(GOOD)
            await idle_reader.readuntil(b"\r\n\r\n")
            busy.write(GOOD[:12])
            await until(lambda: node.page["connections"] == 2)
            await asyncio.sleep(0.05)
            edge.drain()
            assert await idle_reader.read() == b""
            busy.write(GOOD[12:])
            (reply,) = parse_replies(await busy_reader.read())
            assert (reply.status, reply.says_close) == (302, True)
            idle.close()
            busy.close()
            await until(lambda: edge.idle)

    run(scenario)


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()
