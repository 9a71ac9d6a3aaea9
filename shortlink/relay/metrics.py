"""What the relay tells Prometheus."""

from typing import Final

from prometheus_client import Counter, Gauge

PUBLISHED: Final = Counter("edge302_relay_changes", "Changes of links carried into Redis and announced.")
LEADS: Final = Gauge(
    "edge302_relay_leads", "1: this relay holds the lease; 0: another does.", multiprocess_mode="mostrecent"
)
CACHE_UP: Final = Gauge("edge302_relay_redis_up", "1: the relay reaches Redis.", multiprocess_mode="mostrecent")
STORE_UP: Final = Gauge("edge302_relay_store_up", "1: the relay reaches the store.", multiprocess_mode="mostrecent")
