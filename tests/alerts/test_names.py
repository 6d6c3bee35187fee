"""A rule asks only for series that something exposes, or that a rule before it records."""

from pathlib import Path

import promql_parser
import pytest
from ruamel.yaml import YAML

from tests.alerts.known import known_series

ROOT = Path(__file__).parents[2]
FILES = sorted(
    str(path.relative_to(ROOT))
    for folder in ("alerts/rules", "deploy/rules")
    for path in (ROOT / folder).glob("*.yaml")
    if not path.name.endswith(".test.yaml")
)


def rules_of(path):
    groups = YAML(typ="safe").load(ROOT / path)["groups"]
    return [rule for group in groups for rule in group["rules"]]


def selectors_of(expr):
    found = []
    promql_parser.walk(promql_parser.parse(expr), found.append)
    return [one for one in found if isinstance(one, promql_parser.VectorSelector)]


@pytest.mark.parametrize("path", FILES)
def test_every_name_and_label_exists(path):
    for rule in rules_of(path):
        selectors = selectors_of(rule["expr"])
        assert selectors, rule
        for selector in selectors:
            labels = {matcher.name for matcher in selector.matchers.matchers}
            assert labels <= set(known_series()[selector.name]), rule["expr"]


@pytest.mark.parametrize("path", FILES)
def test_every_alert_says_whose_it_is_how_urgent_and_where_to_look(path):
    alerts = [rule for rule in rules_of(path) if "alert" in rule]
    assert alerts
    for rule in alerts:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["labels"]["team"]
        assert set(rule["annotations"]) == {
            "summary",
            "description",
            "runbook_url",
            "dashboard_url",
        }


def test_no_alert_twice_with_the_same_labels_in_one_file():
    for path in FILES:
        alerts = [rule for rule in rules_of(path) if "alert" in rule]
        identities = [(rule["alert"], *sorted(rule["labels"].items())) for rule in alerts]
        assert len(set(identities)) == len(identities)
