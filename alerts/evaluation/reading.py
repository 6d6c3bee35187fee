"""The text of a rule file -> its groups, or every mistake with file, line and path.

Never opens a file. Whatever Prometheus refuses is refused: an unknown field, an expression or a
template that cannot be read, a group that comes twice.
https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from alerts.durations import duration_ms
from alerts.evaluation.definitions import Alerting, Definition, Group, Recording
from alerts.templates.expansion import check
from alerts.templates.values import BadTemplate
from collector.lined_yaml import LinedMapping, NotAMapping, read_mapping
from collector.promql.errors import BadQuery
from collector.promql.expressions import kind
from collector.promql.parser import parse
from collector.promql.samples import Labels

DEFAULT_INTERVAL_MS: Final = 60_000
_GROUP_FIELDS: Final = {"name", "interval", "query_offset", "limit", "labels", "rules"}
_RULE_FIELDS: Final = {"record", "expr", "labels"}
_ALERT_FIELDS: Final = {"alert", "expr", "for", "keep_firing_for", "labels", "annotations"}
_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

Place = tuple[str | int, ...]


class BadRules(ValueError):
    """A rule file cannot be used; ``mistakes`` are lines of file:line: path: what."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def read_rules(
    text: str, *, file: str, interval_ms: int = DEFAULT_INTERVAL_MS
) -> tuple[Group, ...]:
    """Return the groups of a file's text; raise BadRules with all mistakes.

    ``interval_ms`` is that of groups that name none.
    """
    try:
        lined = read_mapping(text)
    except NotAMapping as error:
        raise BadRules((f"{file}:{error.line}: {error.reason}",)) from error
    reader = _Reader(file, lined, interval_ms)
    groups = reader.groups()
    if reader.mistakes:
        raise BadRules(tuple(reader.mistakes))
    return groups


@dataclass(slots=True)
class _Reader:
    """Reads on after a mistake, to tell all of them at once."""

    file: str
    lined: LinedMapping
    interval_ms: int
    mistakes: list[str] = field(default_factory=list)

    def groups(self) -> tuple[Group, ...]:
        self._known(self.lined.values, {"groups"}, ())
        found: list[Group] = []
        for at, given in enumerate(self._list(self.lined.values.get("groups"), ("groups",))):
            place: Place = ("groups", at)
            group = self._group(given, place)
            if group is None:
                continue
            if any(one.name == group.name for one in found):
                self._bad(f'groupname: "{group.name}" is repeated in the same file', *place, "name")
            found.append(group)
        return tuple(found)

    def _group(self, given: Any, place: Place) -> Group | None:
        fields = self._mapping(given, place)
        self._known(fields, _GROUP_FIELDS, place)
        name = self._text(fields, "name", place)
        shared = dict(self._labels(fields.get("labels"), (*place, "labels")))
        interval_ms = self._duration(fields, "interval", place) or self.interval_ms
        limit = fields.get("limit", 0)
        if not isinstance(limit, int) or isinstance(limit, bool):
            self._bad("must be a whole number", *place, "limit")
            limit = 0
        rules = [
            self._rule(one, (*place, "rules", at), shared)
            for at, one in enumerate(self._list(fields.get("rules"), (*place, "rules")))
        ]
        kept = tuple(rule for rule in rules if rule is not None)
        if not name:
            self._bad("Groupname must not be empty", *place, "name")
            return None
        offset_ms = self._duration(fields, "query_offset", place)
        return Group(name, self.file, interval_ms, kept, offset_ms, max(limit, 0))

    def _rule(self, given: Any, place: Place, shared: Mapping[str, str]) -> Definition | None:
        fields = self._mapping(given, place)
        if ("record" in fields) == ("alert" in fields):
            self._bad("needs one of 'record' and 'alert'", *place)
            return None
        is_alert = "alert" in fields
        self._known(fields, _ALERT_FIELDS if is_alert else _RULE_FIELDS, place)
        name = self._text(fields, "alert" if is_alert else "record", place)
        expr = self._expr(fields, place)
        own = self._labels(fields.get("labels"), (*place, "labels"))
        labels = tuple(sorted({**shared, **dict(own)}.items()))
        if not is_alert:
            if not _METRIC.fullmatch(name):
                self._bad(f'invalid recording rule name: "{name}"', *place, "record")
            return Recording(name, expr, labels)
        annotations = self._labels(fields.get("annotations"), (*place, "annotations"))
        for key, part in (("labels", labels), ("annotations", annotations)):
            self._check_templates(part, (*place, key))
        return Alerting(
            name,
            expr,
            self._duration(fields, "for", place),
            self._duration(fields, "keep_firing_for", place),
            labels,
            annotations,
        )

    def _expr(self, fields: Mapping[str, Any], place: Place) -> str:
        given = fields.get("expr")
        text = str(given).strip() if isinstance(given, str | int | float) else ""
        if not text:
            self._bad("field 'expr' must be set in rule", *place, "expr")
            return "vector(0)"
        try:
            if kind(parse(text)) not in {"vector", "scalar"}:
                self._bad("must be a vector or a scalar", *place, "expr")
        except BadQuery as error:
            self._bad(f"could not parse expression: {error}", *place, "expr")
        return text

    def _check_templates(self, texts: Labels, place: Place) -> None:
        for name, text in texts:
            try:
                check(text)
            except BadTemplate as error:
                self._bad(f"template: {error}", *place, name)

    def _labels(self, given: Any, place: Place) -> Labels:
        found = {}
        for name, value in self._mapping({} if given is None else given, place).items():
            if not isinstance(name, str) or not _LABEL.fullmatch(name) or name == "__name__":
                self._bad(f"invalid label name: {name}", *place)
            elif not isinstance(value, str | int | float | bool):
                self._bad("must be text", *place, name)
            else:
                found[name] = _scalar(value)
        return tuple(sorted(found.items()))

    def _duration(self, fields: Mapping[str, Any], name: str, place: Place) -> int:
        if fields.get(name) is None:
            return 0
        found = duration_ms(str(fields[name]))
        if found is None:
            self._bad(f'not a valid duration string: "{fields[name]}"', *place, name)
        return found or 0

    def _text(self, fields: Mapping[str, Any], name: str, place: Place) -> str:
        given = fields.get(name)
        if not isinstance(given, str | int | float) or str(given) == "":
            self._bad("must be text", *place, name)
            return ""
        return str(given)

    def _mapping(self, given: Any, place: Place) -> Mapping[str, Any]:
        if isinstance(given, Mapping):
            return given
        self._bad("must be a mapping", *place)
        return {}

    def _list(self, given: Any, place: Place) -> list[Any]:
        if given is None:
            return []
        if isinstance(given, list):
            return given
        self._bad("must be a list", *place)
        return []

    def _known(self, fields: Mapping[str, Any], known: set[str], place: Place) -> None:
        for name in fields:
            if name not in known:
                self._bad(f"field {name} is not known", *place, str(name))

    def _bad(self, message: str, *place: str | int) -> None:
        path = ".".join(map(str, place))
        self.mistakes.append(f"{self.file}:{self.lined.line(*place)}: {path}: {message}")


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
