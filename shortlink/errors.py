"""What can go wrong that a caller can't plan for, in the domain's words."""


class Edge302Error(Exception):
    """The root of every error this project raises on purpose; its text says how to mend it."""


class StoreUnavailable(Edge302Error):
    """The store did not answer, or can't be opened: try again later; nothing was written."""


class StoreCorrupt(Edge302Error):
    """The store's file is damaged: restore a backup; see `edge302 doctor`."""


class CursorExpired(Edge302Error):
    """The change feed no longer reaches back to this cursor: forget every copy and start from the newest."""


class InvalidLink(Edge302Error, ValueError):
    """A link's field breaks a rule.

    Attributes:
        field: the field's name as users write it, such as "url" or "alias".
        kind: a stable word for the rule, such as "own-domain" (the problem type of the API).
    """

    def __init__(self, field: str, kind: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.kind = kind
