"""What stands in the way of listening, and why a request is refused before anyone decodes it.

Each ``Refused`` has the words for its sender; ``faults`` knows the codes. None of them ever holds a
credential.
"""

from pathlib import Path


class PortInUse(OSError):
    """Another process listens there already."""

    def __init__(self, host: str, port: int, setting: str) -> None:
        self.host, self.port, self.setting = host, port, setting
        super().__init__(
            f"port {port} on {host} is in use: stop who listens there, or choose another {setting}"
        )


class BadCredentialFile(Exception):
    """A certificate, key or token file cannot be used; the text never has its content."""

    def __init__(self, paths: tuple[Path, ...], reason: str) -> None:
        self.paths, self.reason = paths, reason
        super().__init__(f"cannot use {', '.join(map(str, paths))}: {reason}")


class Refused(Exception):
    """A request that goes no further; the text is told to its sender."""


class Unauthenticated(Refused):
    """No bearer token, or one that is not in the list."""

    def __init__(self) -> None:
        super().__init__("a valid bearer token is required in the authorization header")


class ForbiddenOrigin(Refused):
    """A browser asks for a page of another origin than the allowed ones."""

    def __init__(self, origin: str) -> None:
        super().__init__(f"origin {origin:.200} may not send telemetry here")


class NoSuchPath(Refused):
    """HTTP asks for a path that is none of the signals."""

    def __init__(self, path: str, known: tuple[str, ...]) -> None:
        super().__init__(f"there is no {path:.200}; POST to {', '.join(known)}")


class WrongMethod(Refused):
    """HTTP uses another method than POST."""

    def __init__(self, method: str) -> None:
        super().__init__(f"{method:.20} is not supported: use POST")


class UnsupportedMedia(Refused):
    """The type or the compression of the body is none that we read."""

    def __init__(self, header: str, found: str, known: tuple[str, ...]) -> None:
        super().__init__(f"{header} must be {' or '.join(known)}, not {found or 'missing':.200}")


class TooLarge(Refused):
    """The body, as sent or as unpacked, is over the limit; as it is, it will never pass."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(f"the body is larger than {limit_bytes} bytes; send smaller batches")


class TooManyRequests(Refused):
    """As many requests as we bear are in flight; the sender shall come again."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} requests are in flight, the most that is taken; retry later")


class MemoryExhausted(Refused):
    """The requests in flight hold all the memory they may; the sender shall come again."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"the requests in flight hold {limit_bytes} bytes, the most; retry later")
