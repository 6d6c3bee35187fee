"""Why a statement has no answer, in words for the one who wrote it."""

from typing import Final, Literal

Kind = Literal[
    "syntax", "refused", "bad_sql", "too_large", "memory", "timeout", "canceled", "failed"
]

KINDS: Final[tuple[Kind, ...]] = (
    *("syntax", "refused", "bad_sql", "too_large"),
    *("memory", "timeout", "canceled", "failed"),
)


class SqlError(Exception):
    """``line`` and ``column`` count from 1; None when the statement as a whole is meant."""

    def __init__(
        self, kind: Kind, message: str, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message, self.line, self.column = message, line, column

    @property
    def told(self) -> str:
        """Return the message with its place."""
        if self.line is None:
            return self.message
        return f"line {self.line}, column {self.column}: {self.message}"


def error_at(kind: Kind, message: str, text: str, offset: int | None) -> SqlError:
    """Return an error at a place given in bytes of the statement, as the engine counts."""
    before = text.encode()[: offset or 0].decode(errors="replace")
    if offset is None or offset > len(text.encode()):
        return SqlError(kind, message)
    return SqlError(kind, message, before.count("\n") + 1, len(before) - before.rfind("\n"))
