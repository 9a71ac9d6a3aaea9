"""Structured logs: one JSON object a line on stderr, from our processes and from libraries alike."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import msgspec


def setup(role: str, level: str, stream: TextIO | None = None) -> None:
    """Send every log line and warning of this process through one handler.

    Args:
        role: which process this is, such as "gateway"; stands in each line.
        level: least severe level written: "debug", "info", "warning" or "error".
        stream: where to; stderr by default, since stdout belongs to what a command prints.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(role))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(True)


class JsonFormatter(logging.Formatter):
    """A record as one line: ts, level, role, pid, msg, then whatever was passed as `extra`."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "role": self._role,
            "pid": record.process,
            "msg": record.getMessage(),
        }
        if record.name != "root":
            fields["logger"] = record.name
        fields |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        try:
            return msgspec.json.encode(fields, enc_hook=str).decode()
        except UnicodeEncodeError:
            # A lone surrogate, from bytes somebody sent: \-escapes keep the line valid and lossless.
            return json.dumps(fields, default=str)


# What every record has; anything else on a record came in through `extra`.
_STANDARD: Final = frozenset({*vars(logging.LogRecord("", 0, "", 0, "", None, None)), "message", "asctime", "taskName"})
