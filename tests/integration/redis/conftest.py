"""What tests of the shared cache may ask for."""

import pytest

from devstack.redis import Redis
from tests.integration.redis.caches import Caches


@pytest.fixture
def caches(redis_server: Redis) -> Caches:
    return Caches(redis_server.url())
