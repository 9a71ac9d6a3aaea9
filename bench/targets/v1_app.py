"""The redirect of v1.0.0: a FastAPI route that reads the link from Redis and counts its click there.

Run as `python -m bench.targets.v1_app PORT REDIS_PORT PADDING`.
"""

import sys
from typing import Final

import uvicorn
from fastapi import FastAPI, Response
from redis.asyncio import Redis

from bench.targets.redis_links import CLICKS, LINK
from devstack.processes import LOOPBACK

MAX_CONNECTIONS: Final = 4096  # a request waits for none, however many come at once


def app(redis_port: int, padding: str) -> FastAPI:
    """The service. `padding`: the value of X-Padding in each redirect."""
    # Without time limits, each of which would be a timer of its own: a tenth of what the client costs.
    redis = Redis(
        host=LOOPBACK,
        port=redis_port,
        decode_responses=True,
        socket_timeout=None,
        max_connections=MAX_CONNECTIONS,
    )
    service = FastAPI(openapi_url=None)

    @service.get("/{code}")
    async def redirect(code: str) -> Response:
        # Unknown codes are counted as well: to know first would take a second round trip, at half as much again.
        both = redis.pipeline(transaction=False)
        both.get(LINK + code)
        both.incr(CLICKS + code)
        target, _ = await both.execute()
        if target is None:
            return Response(status_code=404)
        return Response(status_code=302, headers={"Location": target, "X-Padding": padding})

    return service


if __name__ == "__main__":
    uvicorn.run(
        app(int(sys.argv[2]), sys.argv[3]),
        host=LOOPBACK,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        backlog=4096,
    )
