"""Run one command as the terminal's foreground job, so that Ctrl-C reaches it and not the make above it.

GNU make answers SIGINT by dying of it, whatever its child's exit code: a clean stop would look like a
failure. Without a terminal the command simply takes this process's place.
"""

import os
import signal
import sys

STDIN = 0


def run(command: list[str]) -> int:
    """Run the command until it ends; returns its exit code, or 128 + the signal it died of."""
    group = os.getpgrp()
    if not os.isatty(STDIN) or os.tcgetpgrp(STDIN) != group:
        os.execvp(command[0], command)
    child = os.posix_spawnp(command[0], command, os.environ, setpgroup=0)
    # Ours is the background group now; taking the terminal back must not stop us.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda caught, _: os.killpg(child, caught))
    os.tcsetpgrp(STDIN, child)
    try:
        return _wait(child, group)
    finally:
        os.tcsetpgrp(STDIN, group)


def _wait(child: int, group: int) -> int:
    """Wait for the end; when the child is stopped (Ctrl-Z) stop all above it too, as one job."""
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        os.tcsetpgrp(STDIN, group)
        os.killpg(group, signal.SIGTSTP)
        if os.tcgetpgrp(STDIN) == group:  # resumed by `fg`, not by `bg`
            os.tcsetpgrp(STDIN, child)
        os.killpg(child, signal.SIGCONT)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
