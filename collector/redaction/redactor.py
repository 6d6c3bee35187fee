"""A Batch -> the Batch without secrets, and how many were masked, by service and kind.

Looks at everything that is text: columns, interned strings, resources and series, also those that
are added to a batch later. Two series whose attributes differed only in secrets become one; with a
salt they stay two. Never keeps or tells what it masked.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Final

import pyarrow as pa

from collector.otlp.batch import Batch
from collector.redaction.column import any_of, is_text, suspects, with_rows
from collector.redaction.document import DocumentCleaner
from collector.redaction.keys import KeyRules, key_hint
from collector.redaction.mask import masker
from collector.redaction.patterns import custom_pattern, default_patterns
from collector.redaction.policy import Policy
from collector.redaction.text import TextCleaner

_STRUCTURES: Final = frozenset({"events", "links", "exemplars"})
SHARED: Final = "-"
"""Whose a span name is when a batch has several services."""

_REMEMBERED: Final = 16_384

Counts = Mapping[tuple[str, str], int]
"""(service, kind) -> values masked."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A batch that may be stored, and what was masked in it. Counts are of values, never values."""

    batch: Batch
    masked: Counts


class Redactor:
    """Applies one Policy. Thread-safe: what it remembers are clean strings and key names."""

    def __init__(self, policy: Policy) -> None:
        patterns = [
            one for one in default_patterns(policy.parameters) if one.kind not in policy.off
        ]
        patterns += [custom_pattern(*one) for one in policy.patterns.items()]
        mask = masker(policy.salt)
        keys = KeyRules(policy.deny, policy.allow)
        text = TextCleaner(patterns, mask)
        self._document = DocumentCleaner(keys, text, mask, numbers="card" not in policy.off)
        hints = [pattern.hint for pattern in patterns]
        self._hints = any_of([*hints, key_hint(policy.deny)] if policy.deny else hints)
        self._clean: set[str] = set()
        self._clean_parts: set[Any] = set()
        self._looks_at_all = keys.fails_closed or bool(policy.patterns)

    def redact(self, batch: Batch) -> Redacted:
        """Return the batch without secrets; the very same one when it has none."""
        masked: Counter[tuple[str, str]] = Counter()
        resources = tuple(self._interned(one, one.service, masked) for one in batch.resources)
        services = [resource.service for resource in resources]
        owners = _Owners(services, [services[one.resource] for one in batch.series])
        after: dict[str, Any] = {}
        for field in fields(batch):
            value = getattr(batch, field.name)
            if field.name == "series":
                whose = zip(value, owners.of_series, strict=True)
                after[field.name] = tuple(self._interned(*one, masked) for one in whose)
            elif isinstance(value, pa.Table) and len(value):
                after[field.name] = self._table(value, owners, masked)
            elif isinstance(value, tuple) and value:
                after[field.name] = self._part(value, owners.of_all, masked)
        after["resources"] = resources
        changed = {name: one for name, one in after.items() if _differs(one, getattr(batch, name))}
        return Redacted(replace(batch, **changed) if changed else batch, dict(masked))

    def _part(self, part: Any, service: str, masked: Counter[tuple[str, str]]) -> Any:
        """Clean what a batch holds beside its tables: strings, and values made of strings."""
        if isinstance(part, str):
            return self._text(part, service, masked)
        if isinstance(part, tuple):
            after = tuple(self._part(one, service, masked) for one in part)
            return after if _differs(after, part) else part
        return self._interned(part, service, masked) if is_dataclass(part) else part

    def _text(self, text: str, service: str, masked: Counter[tuple[str, str]]) -> str:
        """Clean an interned text; the same few come with every batch, so clean ones are known."""
        if text in self._clean:
            return text
        found: Counter[str] = Counter()
        after = self._document.clean_json(text, found)
        _count(masked, service, found)
        if after is text:
            if len(self._clean) >= _REMEMBERED:
                self._clean.clear()
            self._clean.add(text)
        return after

    def _interned(self, one: Any, service: str, masked: Counter[tuple[str, str]]) -> Any:
        if one in self._clean_parts:
            return one
        changed: dict[str, Any] = {}
        for name in (field.name for field in fields(one)):
            value = getattr(one, name)
            if isinstance(value, str):
                after = self._text(value, service, masked)
                if after is not value:
                    changed[name] = after
        if changed:
            return replace(one, **changed)
        if len(self._clean_parts) >= _REMEMBERED:
            self._clean_parts.clear()
        self._clean_parts.add(one)
        return one

    def _table(
        self, table: pa.Table, owners: "_Owners", masked: Counter[tuple[str, str]]
    ) -> pa.Table:
        columns = table.column_names
        for place, name in enumerate(columns):
            if not is_text(table[name].type):
                continue
            changed: dict[int, str] = {}
            for row, after, found in self._dirty(table[name], is_structure=name in _STRUCTURES):
                changed[row] = after
                _count(masked, owners.service(table, row), found)
            if changed:
                column = with_rows(table[name], changed)
                table = table.set_column(place, table.schema.field(place), column)
        return table

    def _dirty(self, column: Any, *, is_structure: bool) -> Iterator[tuple[int, str, Counter[str]]]:
        rows = range(len(column)) if self._looks_at_all else suspects(column, self._hints)
        for row in rows:
            value = column[row].as_py()
            if value is not None:
                found: Counter[str] = Counter()
                after = self._document.clean_json(value, found, is_structure=is_structure)
                if after is not value:
                    yield row, after, found


class _Owners:
    """Whose a value is: told by the row's resource or series, else by the batch if it is alone."""

    def __init__(self, services: Sequence[str], of_series: Sequence[str]) -> None:
        self.services, self.of_series = services, of_series
        self.of_all: str = services[0] if len(set(services)) == 1 else SHARED

    def service(self, table: pa.Table, row: int) -> str:
        for column, services in (("resource", self.services), ("series", self.of_series)):
            if column in table.column_names:
                return str(services[table[column][row].as_py()])
        return self.of_all


def _differs(after: Any, before: Any) -> bool:
    if isinstance(after, tuple):
        return any(one is not other for one, other in zip(after, before, strict=True))
    return after is not before


def _count(masked: Counter[tuple[str, str]], service: str, found: Counter[str]) -> None:
    for kind, number in found.items():
        masked[service, kind] += number
