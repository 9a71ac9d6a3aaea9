"""What PostgresLinkStore asks its database: each file one subject, plain functions of a database or a connection."""
