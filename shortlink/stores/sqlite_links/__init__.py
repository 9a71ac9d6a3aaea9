"""What SqliteLinkStore does inside the file: plain functions of a connection, run on SqliteFile's threads.

Each asks for what it needs in one statement whose answer is one row of JSON, and gives many rows as one JSON
parameter. The driver lets the interpreter's lock go at every row it steps to, and under a busy event loop each
row then waits up to 5 ms to get it back: 1,000 rows took 5 s, in one statement they take 25 ms.
"""
