"""What every test may ask for: real servers."""

from tests.servers import database_url, postgres_server, redis_server, server_folder

__all__ = ["database_url", "postgres_server", "redis_server", "server_folder"]
