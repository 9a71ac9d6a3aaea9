"""What SqliteLinkStore does inside the file: plain functions of a connection, run on SqliteFile's threads.

Each asks for what it needs in one statement whose answer is one row of JSON, and gives many rows as one JSON
parameter. The driver lets the interpreter's lock go at every row it steps to, and beside a busy event loop each row
then waits up to 5 ms to get it back: five seconds for 1,000 rows (docs/adr/0006-many-rows-one-statement.md).
"""
