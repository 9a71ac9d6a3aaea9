"""Whose data folder it is: files of another user (root, mostly) would keep its owner's node from starting."""

import os

from shortlink.datadir import DataFolder
from shortlink.errors import Edge302Error


class NotOurs(Edge302Error):
    """The data folder belongs to another user."""


def require_ours(folder: DataFolder) -> None:
    """Raise NotOurs if the folder exists and belongs to another user."""
    try:
        owner = folder.root.stat().st_uid
    except FileNotFoundError:
        return
    if owner != os.geteuid():
        raise NotOurs(f"{folder.root} belongs to another user (uid {owner}): run this as that user")
