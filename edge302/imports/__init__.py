"""Links from and to files: exactly once in, and the same links out."""
