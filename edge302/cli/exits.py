"""The exit codes of the command, and which error gives which."""

from typing import Final

DONE: Final = 0
FAILED: Final = 1
BAD_SETTING: Final = 2  # click's own code for bad usage, too
ALREADY_RUNNING: Final = 3
SOME_REJECTED: Final = 4
INTERRUPTED: Final = 130  # 128 + SIGINT, as shells report it

MEANING: Final = {
    DONE: "done",
    FAILED: "failed; the last line says why",
    BAD_SETTING: "a setting, flag or argument can't be used",
    ALREADY_RUNNING: "already running, or a port is taken",
    SOME_REJECTED: "done, but some lines were rejected",
    INTERRUPTED: "interrupted; an import or export goes on when the same command is run again",
}


def code_of(error: Exception) -> int:
    """The exit code of one of the project's own errors."""
    from edge302.listen import PortTaken
    from edge302.locks import AlreadyRunning
    from shortlink.settings import BadSetting

    if isinstance(error, BadSetting):
        return BAD_SETTING
    return ALREADY_RUNNING if isinstance(error, AlreadyRunning | PortTaken) else FAILED
