"""Errors of the store, named by who is wrong, each with what its reader needs to mend it."""

from pathlib import Path


class StoreError(Exception):
    """Base of everything the store refuses to do."""


class SchemaTooNew(StoreError):
    """The file was written by a newer meshscope."""

    def __init__(self, path: Path | None, found: int, known: int) -> None:
        self.path, self.found, self.known = path, found, known
        super().__init__(
            f"{path} has schema version {found}, this meshscope knows {known}: "
            "start the meshscope that wrote it, or a newer one"
        )


class SchemaTooOld(StoreError):
    """The file was written by an older meshscope and has not been migrated."""

    def __init__(self, path: Path | None, found: int, known: int) -> None:
        self.path, self.found, self.known = path, found, known
        super().__init__(
            f"{path} has schema version {found}, this meshscope needs {known}: "
            f"run `meshscope migrate {path}`"
        )


class BackupRefused(StoreError):
    """The copy of the file before its migration cannot be made; nothing was changed."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"cannot keep a copy of {path}: {reason}")


class MigrationFailed(StoreError):
    """A migration step failed; the file is as it was."""

    def __init__(self, path: Path, version: int, reason: str) -> None:
        self.path, self.version, self.reason = path, version, reason
        super().__init__(f"cannot bring {path} to schema version {version}: {reason}")


class StoreUnavailable(StoreError):
    """The file cannot be opened: held by another process, no space, not a database."""

    def __init__(self, path: Path | None, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"cannot open the store {path}: {reason}")


class StoreClosed(StoreError):
    """The writer is shutting down and takes nothing more."""


class BatchRefused(StoreError):
    """The data of one batch do not fit the tables; sending them again will not help."""


class WriteFailed(StoreError):
    """The transaction failed for a reason outside the data: disk, memory. Try again later."""


class DiskFull(StoreError):
    """The disk has only its reserve left; nothing is taken until there is room again."""

    def __init__(self, free_bytes: int | None, reserve_bytes: int) -> None:
        self.free_bytes, self.reserve_bytes = free_bytes, reserve_bytes
        super().__init__(
            f"the disk is full: {free_bytes} bytes are free, {reserve_bytes} are held in reserve; "
            "retry later"
        )


class StoreBroken(StoreError):
    """The database invalidated itself and can be neither read nor written until it is reopened."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the store must be opened again, restart the server: {reason}")


class Overloaded(StoreError):
    """The bounded queue before the writer is full; the sender shall come again later."""

    def __init__(self, queued_bytes: int, limit_bytes: int) -> None:
        self.queued_bytes, self.limit_bytes = queued_bytes, limit_bytes
        super().__init__(f"{queued_bytes} of {limit_bytes} bytes wait to be written; retry later")
