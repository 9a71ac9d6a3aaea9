"""Who may do what: API keys, where they are kept, and the check of each request."""
