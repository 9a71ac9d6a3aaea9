"""The public edge: answers short links, and imports neither the control plane nor a web framework."""
