"""What the control plane answers, one file a resource; each ends in a table of its routes."""
