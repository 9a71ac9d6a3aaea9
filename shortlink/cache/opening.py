"""The shared cache that the settings name."""

from shortlink.cache.contract import SharedCache
from shortlink.settings import Settings


def shared_cache(settings: Settings, generation: str) -> SharedCache:
    """Copies of one generation of the store, in EDGE302_REDIS_URL; not yet opened, its driver imported now."""
    from shortlink.cache.redis_client import RedisCache

    assert settings.redis_url is not None
    return RedisCache(
        settings.redis_url,
        prefix=settings.redis_prefix,
        generation=generation,
        timeout_ms=settings.miss_budget_ms,
    )
