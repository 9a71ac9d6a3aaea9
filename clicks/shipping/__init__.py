"""What the shipper does all day: counting, publishing, and keeping the spool small."""
