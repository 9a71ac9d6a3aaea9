"""The /metrics port, on loopback, in a thread of the supervisor."""

import errno
from contextlib import ExitStack
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.registry import Collector

from edge302.listen import PortTaken
from shortlink.settings import BadSetting

LOOPBACK: Final = "127.0.0.1"


def serve_metrics(port: int, collector: Collector, held: ExitStack) -> int:
    """Answer scrapes until `held` is closed; returns the port (`port` 0: any free one). PortTaken, BadSetting."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    try:
        server, thread = start_http_server(port, LOOPBACK, registry)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"the metrics port {port} on {LOOPBACK} is in use; choose another with --metrics-port or "
                "EDGE302_METRICS_PORT (0: any free one)"
            ) from exc
        raise BadSetting(f"EDGE302_METRICS_PORT: can't listen on port {port}: {exc.strerror}") from exc
    held.callback(thread.join)
    held.callback(server.server_close)
    held.callback(server.shutdown)
    return server.server_port
