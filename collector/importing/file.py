"""The file of a stopped meshscope as the target of an import.

Samples go the way of those that are sent: decoded, masked, committed by the writer. Nothing in the
file is forgotten meanwhile, however old it is. Never asks a server.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from collector.importing.errors import ImportFailed
from collector.importing.plan import Window
from collector.importing.raw import Raw
from collector.importing.target import Wrote
from collector.prometheus.remote_write import decode, unsnap
from collector.prometheus.source import StoreSource, indexes
from collector.promql.samples import Matcher
from collector.receiver.remote_write import digest
from collector.redaction.policy import Policy
from collector.redaction.redactor import Redactor
from collector.store.compaction import Retention
from collector.store.errors import BatchRefused, StoreError
from collector.store.store import Store, open_store
from collector.store.writer import Writer

_MAX_BODY_BYTES: Final = 2**30
_AGES_S: Final = 100 * 366 * 86_400


@dataclass(frozen=True, slots=True)
class StoreTarget:
    """The file of a server that is stopped; nothing in it is forgotten meanwhile."""

    store: Store
    writer: Writer
    redactor: Redactor

    def write(self, body: bytes, samples: int) -> Wrote:
        """Commit; raise ImportFailed."""
        plain = unsnap(body, _MAX_BODY_BYTES) or b""
        decoded = decode(plain, "2.0")
        batch = self.redactor.redact(decoded.batch).batch
        try:
            ack = self.writer.submit(batch, digest("2.0", plain)).result()
        except BatchRefused as error:
            return Wrote(0, str(error))
        except StoreError as error:
            raise ImportFailed(str(error)) from error
        return Wrote(samples - batch.rejected, ack.message)

    def names(self, matchers: Sequence[Matcher], window: Window) -> set[str]:
        """Return all that a Prometheus has ever written here."""
        del matchers, window
        with self.store.snapshot() as cursor:
            rows = cursor.execute("SELECT DISTINCT name FROM metric_series").fetchall()
        return {name for (name,) in rows}

    def present(self, matchers: Sequence[Matcher], window: Window) -> list[Raw]:
        """Read the file."""
        with self.store.snapshot() as cursor:
            source = StoreSource(cursor, indexes(()), self.store.clock_ns() // 10**6)
            return [
                Raw(labels, block.times_ms[low:high], block.values[low:high])
                for block in source.select(matchers, window.from_ms + 1, window.to_ms)
                for labels, low, high in zip(
                    block.labels, block.offsets[:-1], block.offsets[1:], strict=True
                )
            ]

    def kept_ms(self) -> int | None:
        """Return None: the server that will have the file knows."""
        return None


@contextlib.contextmanager
def store_target(path: Path) -> Iterator[StoreTarget]:
    """Give the target of a file; raise ImportFailed when a server holds it."""
    ages = Retention(*[_AGES_S] * 6)
    try:
        with open_store(path) as store, contextlib.closing(Writer(store, retention=ages)) as writer:
            yield StoreTarget(store, writer, Redactor(Policy()))
    except StoreError as error:
        raise ImportFailed(str(error)) from error
