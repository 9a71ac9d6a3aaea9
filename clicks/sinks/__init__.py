"""Where single clicks go from the spool."""
