from ruamel.yaml import YAML

from alerts.rulefile import rule_file
from alerts.rules import AlertingRule, RecordingRule, RuleGroup

GROUP = RuleGroup(
    "g",
    "30s",
    (
        RecordingRule("a:b:c", "sum(x)\nor\nsum(y)", {"window": "5m", "n": "1"}),
        AlertingRule("A", "a:b:c > 0", {"severity": "page"}, {"summary": "x: {{ $value }}"}, "2m"),
    ),
)


def test_a_rule_file_reads_back_as_it_was_meant():
    document = YAML(typ="safe", pure=True).load(rule_file([GROUP], header="made by x"))
    record, alert = document["groups"][0]["rules"]
    assert record["expr"].strip() == "sum(x)\nor\nsum(y)"
    assert record["labels"] == {"window": "5m", "n": "1"}
    assert alert["for"] == "2m"
    assert alert["annotations"] == {"summary": "x: {{ $value }}"}


def test_the_same_rules_are_the_same_bytes_under_a_header():
    text = rule_file([GROUP], header="made by x\ntwo lines")
    assert text == rule_file([GROUP], header="made by x\ntwo lines")
    assert text.startswith("# made by x\n# two lines\ngroups:\n")


def test_empty_fields_are_left_out():
    text = rule_file([RuleGroup("g", "30s", (RecordingRule("a", "1"),))], header="x")
    assert "labels" not in text
    assert "for" not in text
