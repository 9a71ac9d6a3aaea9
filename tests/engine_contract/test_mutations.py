"""50,000 mutated requests: no fault, no hang, nothing but well-formed replies, and memory stays flat."""

import asyncio
from random import Random
from typing import Final

from shortlink.settings import Settings
from tests.engine_contract.conftest import MakeNode
from tests.engine_contract.mutations import mutated
from tests.engine_contract.parts import make_link, parse_replies, resident_bytes
from tests.engine_contract.serving import open_files, run, serving, until

REQUESTS: Final = 50_000
WARM_UP: Final = 15_000  # caches of parsed fields and of absent codes fill up first
GROWTH_BYTES: Final = 8 << 20
SEED: Final = 302
FREE_OF_LIMITS: Final = {"unknown_per_minute": 0, "keepalive_requests": 0}


def test_mutated_requests_in_any_pieces(make_node: MakeNode) -> None:
    node = make_node(**FREE_OF_LIMITS, trusted_proxies=("198.51.100.0/24",))
    node.add(make_link("known01"))
    random = Random(SEED)
    before = 0
    seen: set[int] = set()
    for number, request in enumerate(mutated(REQUESTS, SEED)):
        whole = node.connect()
        received = whole.send(request)
        seen.update(reply.status for reply in parse_replies(received))
        if number % 10 == 0:
            cuts = sorted(random.randrange(len(request) + 1) for _ in range(random.randrange(1, 6)))
            pieces = [request[a:b] for a, b in zip([0, *cuts], [*cuts, len(request)], strict=True)]
            cut = node.connect()
            assert cut.send(*pieces) == received, request
            assert (cut.is_closed, cut.connection.partial) == (whole.is_closed, whole.connection.partial), request
            cut.connection.lost()
        whole.connection.lost()
        if number % 1_000 == 0:
            node.engine.tick()
        node.asked.clear()
        node.clock.advance(0.001)
        if number == WARM_UP:
            before = resident_bytes()
    assert resident_bytes() - before < GROWTH_BYTES
    assert seen == {200, 204, 302, 400, 404, 405, 413, 414, 417, 431, 501, 505}
    assert node.page["engine_errors"] == 0


def test_mutated_requests_through_a_real_server(make_node: MakeNode) -> None:
    node = make_node(**FREE_OF_LIMITS)
    node.add(make_link("known01"))

    async def scenario() -> None:
        async with serving(node, Settings()) as (edge, port):
            before = open_files()
            requests = mutated(2_000, SEED + 1)

            async def client() -> None:
                for request in requests:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.write(request)
                    writer.write_eof()
                    parse_replies(await reader.read())
                    writer.close()

            await asyncio.gather(*(client() for _ in range(16)))
            await until(lambda: edge.idle and open_files() <= before)

    run(scenario)
    assert node.page["engine_errors"] == 0
    assert node.page["connections_accepted"] == 2_000
