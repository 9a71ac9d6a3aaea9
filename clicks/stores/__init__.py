"""Where click counts live: one interface in domain words, and a file for each store."""
