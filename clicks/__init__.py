"""What happens to a click after the edge: from the spool into the stores, and the questions asked of them."""
