"""Where links live: one interface in domain words, and a file or folder for each store."""
