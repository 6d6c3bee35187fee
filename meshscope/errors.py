"""What can go wrong in a notebook, each with what its reader needs to go on."""

from collections.abc import Iterable
from difflib import get_close_matches


class MeshscopeError(Exception):
    """Base of all errors of this package."""


class ServerUnreachable(MeshscopeError):
    """Nothing answers at the address, or what answers is no meshscope."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"no meshscope answers at {url}: {why}\n"
            "Start one with `meshscope demo` or `meshscope serve --store mesh.duckdb`, or name"
            " another: meshscope.connect('http://HOST:8428')."
        )


class VersionMismatch(MeshscopeError):
    """The server's API is not the one that this package knows."""

    def __init__(self, url: str, server: str, client: str) -> None:
        super().__init__(
            f"{url} runs meshscope {server}, this notebook has {client}: install meshscope {server}"
            " here, or bring the server to the same version"
        )


class UnknownName(MeshscopeError):
    """There is no service, SLO or trace of this name; names near it are told."""

    def __init__(self, noun: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=3, cutoff=0.5)
        told = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(names)}."
        super().__init__(f"there is no {noun} {name!r}. {told if names else 'There are none yet.'}")
        self.near = near


class BadTime(MeshscopeError, ValueError):
    """A time or a duration that cannot be read."""


class BadQuery(MeshscopeError):
    """The server refuses a query; ``line`` and ``column`` count from 1 where they are known."""

    def __init__(
        self, kind: str, message: str, line: int | None = None, column: int | None = None
    ) -> None:
        place = "" if line is None else f" at line {line}, column {column}"
        super().__init__(f"{kind}{place}: {message}")
        self.kind, self.line, self.column = kind, line, column


class TruncatedAnswer(UserWarning):
    """There are more rows than were asked for."""
