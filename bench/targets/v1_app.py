"""The redirect of v1.0.0: a FastAPI route that reads the link from Redis and counts its click there.

Run as `python -m bench.targets.v1_app PORT REDIS_PORT PADDING`.
"""

import sys
from typing import cast

import uvicorn
from fastapi import FastAPI, Response
from redis.asyncio import Redis

from bench.targets.redis_links import CLICKS, LINK
from devstack.processes import LOOPBACK


def app(redis_port: int, padding: str) -> FastAPI:
    """The service. `padding`: the value of X-Padding in each redirect."""
    redis = Redis(host=LOOPBACK, port=redis_port, decode_responses=True)
    service = FastAPI(openapi_url=None)

    @service.get("/{code}")
    async def redirect(code: str) -> Response:
        target = cast("str | None", await redis.get(LINK + code))  # the client decodes
        if target is None:
            return Response(status_code=404)
        await redis.incr(CLICKS + code)
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
