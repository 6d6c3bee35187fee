"""Rule files on disk: read when the server starts, and again when they change.

What cannot be used changes nothing: the rules that are evaluated stay, and the log has every
mistake. A folder stands for its ``*.yaml`` and ``*.yml``, but for tests of rules (``*.test.yaml``).
"""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import watchfiles

from alerts.evaluation.definitions import Group
from alerts.evaluation.reading import BadRules, read_rules

_LOG: Final = logging.getLogger(__name__)
_SUFFIXES: Final = (".yaml", ".yml")
_TESTS: Final = (".test.yaml", ".test.yml")


def rule_paths(given: Sequence[Path]) -> list[Path]:
    """Return the files that these files and folders are."""
    found: list[Path] = []
    for path in given:
        members = sorted(path.iterdir()) if path.is_dir() else [path]
        found += [
            one
            for one in members
            if one == path or (one.name.endswith(_SUFFIXES) and not one.name.endswith(_TESTS))
        ]
    return found


def load_rules(given: Sequence[Path]) -> tuple[Group, ...]:
    """Return the groups of files and folders; raise BadRules with the mistakes of all."""
    groups: list[Group] = []
    mistakes: list[str] = []
    for path in rule_paths(given):
        try:
            groups += read_rules(path.read_text(encoding="utf-8"), file=str(path))
        except BadRules as error:
            mistakes += error.mistakes
        except (OSError, UnicodeDecodeError) as error:
            mistakes.append(f"{path}: {error}")
    if mistakes:
        raise BadRules(tuple(mistakes))
    return tuple(groups)


class RuleWatch:
    """A thread that loads changed files; ``is_fresh`` is False while they cannot be used."""

    def __init__(
        self,
        given: Sequence[Path],
        load: Callable[[Sequence[Group]], None],
        *,
        debounce_ms: int = 500,
    ) -> None:
        self.is_fresh = True
        self._given, self._load = tuple(given), load
        self._debounce_ms = debounce_ms
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rule-files", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        """Watch folders, since an editor or a mounted volume replaces a file by another."""
        folders = {path if path.is_dir() else path.resolve().parent for path in self._given}
        changes = watchfiles.watch(
            *folders,
            debounce=self._debounce_ms,
            stop_event=self._stop,
            rust_timeout=500,
            yield_on_timeout=False,
            recursive=False,
        )
        for _ in changes:
            self._reload()

    def _reload(self) -> None:
        try:
            groups = load_rules(self._given)
        except (BadRules, OSError) as error:
            self.is_fresh = False
            _LOG.error("the rules stay as they were: %s", error)
            return
        self._load(groups)
        self.is_fresh = True
        _LOG.info("%d groups of rules were loaded anew", len(groups))
