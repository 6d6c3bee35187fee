"""Rule files: everything Prometheus takes, and every mistake with its line."""

import shutil
import subprocess

import pytest

from alerts.evaluation.definitions import Alerting, Group, Recording
from alerts.evaluation.reading import BadRules, read_rules

GOOD = """\
groups:
  - name: g
    interval: 30s
    query_offset: 1m
    limit: 5
    labels: {team: a, shared: x}
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
        labels: {team: b, n: 1, yes: true}
      - alert: Down
        expr: |
          up
            == 0
        for: 1h30m
        keep_firing_for: 5m
        annotations: {text: "{{ $value }}"}
  - name: empty
"""


def test_all_fields_are_read():
    assert read_rules(GOOD, file="f.yaml") == (
        Group(
            "g",
            "f.yaml",
            30_000,
            (
                Recording(
                    "job:up:sum",
                    "sum by (job) (up)",
                    (("n", "1"), ("shared", "x"), ("team", "b"), ("yes", "true")),
                ),
                Alerting(
                    "Down",
                    "up\n  == 0",
                    5_400_000,
                    300_000,
                    (("shared", "x"), ("team", "a")),
                    (("text", "{{ $value }}"),),
                ),
            ),
            60_000,
            5,
        ),
        Group("empty", "f.yaml", 60_000, ()),
    )


def rule(*lines):
    body = "\n        ".join(lines)
    return f"groups:\n  - name: g\n    rules:\n      - {body}\n"


BAD = {
    "unknown field": (rule("record: a", "expr: up", "for: 1m"), 6),
    "unknown group field": ("groups:\n  - name: g\n    rulez: []\n", 3),
    "no name": ("groups:\n  - rules: []\n", 2),
    "twice": ("groups:\n  - name: g\n  - name: g\n", 3),
    "both": (rule("record: a", "alert: b", "expr: up"), 4),
    "neither": (rule("expr: up"), 4),
    "no expression": (rule("alert: a"), 4),
    "bad expression": (rule("alert: a", "expr: sum(up"), 5),
    "bad duration": (rule("alert: a", "expr: up", "for: 1x"), 6),
    "bad record": (rule("record: a-b", "expr: up"), 4),
    "bad label": (rule("record: a", "expr: up", "labels: {a-b: c}"), 6),
    "name label": (rule("record: a", "expr: up", "labels: {__name__: c}"), 6),
    "bad template": (rule("alert: a", "expr: up", "labels:", "  b: '{{ nope }}'"), 7),
    "bad yaml": ("groups: [", 1),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line"), BAD.values(), ids=BAD)
def test_mistakes_are_told_with_their_line_and_promtool_refuses_them_too(text, line, tmp_path):
    with pytest.raises(BadRules) as told:
        read_rules(text, file="f.yaml")
    assert told.value.mistakes[0].startswith(f"f.yaml:{line}: "), told.value
    (tmp_path / "f.yaml").write_text(text)
    command = [shutil.which("promtool"), "check", "rules", "f.yaml"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_all_mistakes_are_told_at_once():
    text = rule("alert: a", "expr: sum(", "for: x") + "  - name: h\n    limit: x\n"
    with pytest.raises(BadRules) as told:
        read_rules(text, file="f.yaml")
    assert len(told.value.mistakes) == 3
