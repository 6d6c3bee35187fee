"""Rule groups to the YAML that Prometheus reads: the same bytes for the same rules, always.

Never decides a rule. Only fields that Prometheus 2.42 knows are written.
"""

import io
from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from alerts.rules import AlertingRule, RecordingRule, Rule, RuleGroup


def rule_file(groups: Sequence[RuleGroup], *, header: str) -> str:
    """Return the text of a rule file under a comment."""
    return dump_yaml({"groups": [_group(group) for group in groups]}, header=header)


def dump_yaml(document: Any, *, header: str) -> str:
    """Return YAML in the order given, long lines kept whole, under a comment."""
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(document, out)
    comment = "".join(f"# {line}\n" for line in header.splitlines())
    return comment + out.getvalue()


def block(text: str) -> str:
    """Keep the line breaks of an expression in the file."""
    return LiteralScalarString(f"{text}\n") if "\n" in text else text


def _group(group: RuleGroup) -> dict[str, Any]:
    rules = [_rule(rule) for rule in group.rules]
    return {"name": group.name, "interval": group.interval, "rules": rules}


def _rule(rule: Rule) -> dict[str, Any]:
    match rule:
        case RecordingRule(record, expr, labels):
            fields = {"record": record, "expr": block(expr), "labels": dict(labels)}
        case AlertingRule(alert, expr, labels, annotations, for_):
            fields = {
                "alert": alert,
                "expr": block(expr),
                "for": for_,
                "labels": dict(labels),
                "annotations": dict(annotations),
            }
    return {name: value for name, value in fields.items() if value}
