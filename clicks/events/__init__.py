"""Single clicks: what is known of one, and how it is written down for others."""
