"""The relay: carries what changes in the store into Redis, and tells every worker of it."""
