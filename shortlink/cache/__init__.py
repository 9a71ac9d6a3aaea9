"""The copy of links that all nodes share in Redis, and the announcements of what changed in the store."""
