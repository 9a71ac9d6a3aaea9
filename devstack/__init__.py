"""What developing edge302 needs around it: real servers, tools, the test run, lock files; never imported by it."""
