"""What an event must be to become a row."""

from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from clicks.events.event import VERSION, ClickEvent

MAX_VISITOR: Final = (1 << 64) - 1
_Unsigned16 = Annotated[int, Meta(ge=0, lt=1 << 16)]


class Row(ClickEvent, frozen=True, kw_only=True, gc=False):
    """A click whose numbers fit the columns, and whose id can be what another click's is compared with."""

    v: Literal[1]
    epoch: Annotated[str, Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\Z")]
    seq: Annotated[int, Meta(ge=1, le=(1 << 63) - 1)]
    worker: _Unsigned16
    time: Annotated[int, Meta(ge=0, lt=1000 << 32)]  # DateTime ends in February 2106
    clicks: Annotated[int, Meta(ge=1, lt=1 << 32)]
    variant: _Unsigned16
    visitor: Annotated[str, Meta(pattern="^[0-9]{1,20}\\Z")]


class NotARow(Exception):
    """The event can't be stored. `kind`: a stable word for why; the text says what exactly."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def row(value: bytes | None) -> Row:
    """What a record's value says. NotARow."""
    try:
        click = _decode(value or b"")
    except msgspec.ValidationError as exc:
        raise NotARow(_kind(value or b""), str(exc)) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise NotARow("not-json", str(exc)) from exc
    if int(click.visitor) > MAX_VISITOR:  # ClickHouse would take another number for it
        raise NotARow("not-an-event", f"visitor {click.visitor} has over 64 bits")
    return click


def _kind(value: bytes) -> str:
    """Told apart only when something is wrong: an event of another version is not a broken one."""
    try:
        version = msgspec.json.decode(value, type=_Versioned).v
    except msgspec.MsgspecError:
        return "not-an-event"
    return "not-an-event" if version == VERSION else "other-version"


class _Versioned(msgspec.Struct):
    v: int


_decode: Final[Callable[[bytes], Row]] = msgspec.json.Decoder(Row).decode
