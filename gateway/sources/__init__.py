"""Where a worker finds links and hears of changes: the store, and the Redis that nodes share in front of it."""
