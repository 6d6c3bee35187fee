"""label_replace and label_join: series named anew.

Never changes a value. https://prometheus.io/docs/prometheus/latest/querying/functions/#label_replace
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from collector.promql.errors import BadQuery, ExecutionFailed
from collector.promql.evaluation import Evaluation, Steps
from collector.promql.expressions import Call, Expression, String
from collector.promql.grids import relabelled
from collector.promql.labelsets import changed, readable
from collector.promql.matchers import expression
from collector.promql.samples import Grid, Labels

_REFERENCE: Final = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})", re.ASCII)


def label_replace(evaluation: Evaluation, call: Call, steps: Steps) -> Iterator[Grid]:
    """Set a label from parts of another where an expression matches that."""
    target, replacement, source, pattern = _texts(call.arguments[1:])
    try:
        compiled = expression(pattern)
    except BadQuery as error:
        raise ExecutionFailed(
            f"invalid regular expression in label_replace(): {pattern}"
        ) from error
    _check_name(target, "destination label name in label_replace()")

    def renamed(labels: Labels) -> Labels:
        found = compiled.fullmatch(readable(labels).get(source, ""))
        return labels if found is None else changed(labels, {target: _filled(replacement, found)})

    yield _relabelled(evaluation, call, steps, renamed)


def label_join(evaluation: Evaluation, call: Call, steps: Steps) -> Iterator[Grid]:
    """Set a label to others joined."""
    target, separator, *sources = _texts(call.arguments[1:])
    for source in sources:
        _check_name(source, "source label name in label_join()")
    _check_name(target, "destination label name in label_join()")

    def renamed(labels: Labels) -> Labels:
        given = readable(labels)
        return changed(labels, {target: separator.join(given.get(one, "") for one in sources)})

    yield _relabelled(evaluation, call, steps, renamed)


def _relabelled(
    evaluation: Evaluation, call: Call, steps: Steps, renamed: Callable[[Labels], Labels]
) -> Grid:
    whole = evaluation.whole(call.arguments[0], steps)
    return relabelled(whole, map(renamed, whole.labels))


def _texts(arguments: Sequence[Expression]) -> list[str]:
    return [one.value for one in arguments if isinstance(one, String)]


def _check_name(name: str, what: str) -> None:
    if not name:
        raise ExecutionFailed(f"invalid {what}: {name}")


def _filled(template: str, found: Any) -> str:
    """Put groups into a template as Go does: $1, ${name}, $$; what there is not is empty."""
    names = found.groupdict()

    def value(reference: re.Match[str]) -> str:
        if reference[1]:
            return "$"
        name = reference[2] or reference[3]
        if name.isdigit():
            number = int(name)
            return (found.group(number) or "") if number <= len(found.groups()) else ""
        return names.get(name) or ""

    return _REFERENCE.sub(value, template)
