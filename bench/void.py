"""When a run proves nothing."""


class Void(RuntimeError):
    """A reply was wrong or missing, so that no figure of this run may be used; the text says which."""
