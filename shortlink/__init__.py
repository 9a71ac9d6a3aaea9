"""What a short link is, shared by every part of edge302; it knows no web framework."""
