"""The flags that are settings: one table, so that a flag means the same wherever it stands."""

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from edge302.cli.control import ControlPlane
    from shortlink.datadir import DataFolder
    from shortlink.settings import Settings

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

# Values stay text: shortlink.settings alone knows what is a good one, whether it came from here or the environment.
FLAGS: Final = {
    "data": ("--data", "DIR", "Folder for links, clicks, spool and keys.  [default: data]"),
    "host": ("--host", "HOST", "Address to listen on.  [default: 127.0.0.1]"),
    "port": ("--port", "N", "Port of the edge; 0: any free one.  [default: 8080]"),
    "api_port": ("--api-port", "N", "Port of the control plane; 0: any free one.  [default: 8081]"),
    "metrics_port": ("--metrics-port", "N", "Port of /metrics on loopback; 0: any free one.  [default: 9302]"),
    "workers": ("--workers", "N", "Processes of the edge; 0: one a CPU core.  [default: 0]"),
    "engine": ("--engine", "rust|python", "What answers requests on the edge."),
    "uds": ("--uds", "PATH", "Unix sockets that the edge listens on too: PATH.0, PATH.1 and so on."),
    "public_url": ("--public-url", "URL", "Where visitors reach the edge, such as https://go.example.com."),
}


def flags(*names: str) -> Callable[[Decorated], Decorated]:
    """Give a command the flags of these settings; it takes them as `**flags` for `settings`."""

    def decorate(command: Decorated) -> Decorated:
        for name in reversed(names):
            option, metavar, text = FLAGS[name]
            command = click.option(option, name, metavar=metavar, help=text)(command)
        return command

    return decorate


@dataclass(frozen=True, slots=True)
class Control:
    """Which control plane a command talks to: the one at `api_url`, else that of the data folder."""

    api_url: str | None
    data: str | None

    @property
    def folder(self) -> "DataFolder":
        """The data folder. Raises BadSetting."""
        from shortlink.datadir import DataFolder

        return DataFolder(settings({"data": self.data}).data)

    def open(self, *, create: bool = False) -> "AbstractContextManager[ControlPlane]":
        """The control plane, for the duration of a `with`; `create`: a data folder that is missing is made."""
        from edge302.cli.control import control_plane

        return control_plane(
            settings({"data": self.data}), self.api_url, os.environ.get("EDGE302_API_KEY"), create=create
        )


def control(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the flags that say which control plane it talks to; it takes a `Control` first."""

    @click.option(
        "--api-url",
        envvar="EDGE302_API_URL",
        metavar="URL",
        help="A control plane elsewhere, such as https://links.example.com; its key is EDGE302_API_KEY.",
    )
    @flags("data")
    @functools.wraps(command)
    def with_control(*, api_url: str | None, data: str | None, **rest: object) -> None:
        command(Control(api_url, data), **rest)

    return with_control


def settings(flags: Mapping[str, object]) -> "Settings":
    """Settings from a command's flags, else the environment, else the defaults. Raises BadSetting."""
    from shortlink.settings import load

    return load(os.environ, flags)
