"""What a check finds: how bad it is, and how to mend it."""

import enum
from dataclasses import dataclass


class Verdict(enum.StrEnum):
    """How bad it is."""

    OK = "OK"
    WARN = "WARN"  # works today; worth a look
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `mend`: what to do, None when there is nothing to do."""

    check: str
    verdict: Verdict
    text: str
    mend: str | None = None


def ok(check: str, text: str) -> Finding:
    """All is well."""
    return Finding(check, Verdict.OK, text)


def warn(check: str, text: str, mend: str) -> Finding:
    """Works today."""
    return Finding(check, Verdict.WARN, text, mend)


def fail(check: str, text: str, mend: str) -> Finding:
    """Does not work, or puts links or clicks at risk."""
    return Finding(check, Verdict.FAIL, text, mend)
