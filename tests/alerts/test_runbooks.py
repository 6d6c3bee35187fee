"""Runbooks: each alert has one, and a runbook names only what exists."""

import re
import shlex
from pathlib import Path

import promql_parser
import pytest
from markdown_it import MarkdownIt
from ruamel.yaml import YAML
from typer.testing import CliRunner

from alerts.runbooks import UnknownRunbook, read_runbook, runbook_names
from dashboards.cli import app
from dashboards.grafana.catalog import BOARDS
from proxy.mesh import Mesh
from tests.alerts.known import known_series

ROOT = Path(__file__).parents[2]
RULE_FILES = ("alerts/rules/shop.yaml", "alerts/rules/mesh.yaml", "deploy/rules/gateway.yaml")
SECTIONS = ["Look first", "Likely causes", "Mend", "Verify", "Prevent"]
WITHOUT_ALERT = {"proxy-cpu-high"}
"""Failure modes that nothing can alert on: no proxy reports its CPU."""
NAMES = known_series()


def alerts_with_runbooks():
    """Return (alert, name of its runbook) for every alert of the committed rules."""
    documents = [YAML(typ="safe").load(ROOT / path) for path in RULE_FILES]
    rules = [rule for doc in documents for group in doc["groups"] for rule in group["rules"]]
    return {
        (rule["alert"], rule["annotations"]["runbook_url"].rpartition("/runbooks/")[2])
        for rule in rules
        if "alert" in rule
    }


def tokens(name):
    """Return every token of a runbook, those of its lines and cells among them."""
    parser = MarkdownIt("commonmark").enable("table")
    blocks = parser.parse(read_runbook(name).markdown)
    return [part for block in blocks for part in (block, *(block.children or ()))]


def of_all(kind, info=None):
    return [
        pytest.param(token.content, id=f"{name}: {token.content[:50]}")
        for name in runbook_names()
        for token in tokens(name)
        if token.type == kind and info in {None, token.info}
    ]


INLINE = of_all("code_inline")
COMMANDS = [param for param in INLINE if param.values[0].startswith("meshscope ")]
QUERIES = of_all("fence", "promql")
FIELDS = [
    param
    for param in INLINE
    if re.fullmatch(r"[a-z]+[A-Z]\w*|[a-z]\w*\.(?!yaml|duckdb)[a-z]\w*", param.values[0])
]


def schema_has(schema, path):
    """Tell whether a field of mesh.yaml, such as retries.attempts, is anywhere in its schema."""
    objects = [schema, *schema["$defs"].values()]
    fields = [found.get("properties", {}) for found in objects]
    return all(any(part in field for field in fields) for part in path.split("."))


def walked(expr):
    found = []
    promql_parser.walk(promql_parser.parse(expr), found.append)
    return found


def selectors_of(nodes):
    return [node for node in nodes if isinstance(node, promql_parser.VectorSelector)]


def test_every_alert_links_to_a_runbook_that_begins_with_its_name():
    for alert, name in alerts_with_runbooks():
        assert read_runbook(name).title.startswith(f"{alert}: ")


def test_every_runbook_has_an_alert_that_links_to_it():
    linked = {name for _, name in alerts_with_runbooks()}
    assert linked | WITHOUT_ALERT == set(runbook_names())
    assert not linked & WITHOUT_ALERT


@pytest.mark.parametrize("mode", [f"F{number}" for number in range(1, 9)])
def test_every_failure_mode_of_the_guide_has_a_runbook(mode):
    found = [
        name for name in runbook_names() if re.search(rf"\b{mode}\b", read_runbook(name).markdown)
    ]
    assert found
    table = (ROOT / "docs/runbooks.md").read_text(encoding="utf-8")
    (row,) = [line for line in table.splitlines() if line.startswith(f"| {mode} ")]
    assert set(re.findall(r"runbooks/([a-z-]+)\.md", row)) == set(found)


@pytest.mark.parametrize("name", ["", "nope", "../names", "telemetry-absent.md", "/etc/passwd"])
def test_an_unknown_name_is_told_with_those_that_there_are(name):
    with pytest.raises(UnknownRunbook, match="telemetry-absent") as told:
        read_runbook(name)
    assert isinstance(told.value, KeyError)
    assert told.value.known == runbook_names()


@pytest.mark.parametrize("name", runbook_names())
def test_a_runbook_says_what_it_means_and_its_impact_before_the_same_sections(name):
    text = read_runbook(name).markdown
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert text.index("**Means.**") < text.index("**Impact.**") < text.index("## Look first")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_and_its_options_exist(command):
    told = CliRunner().invoke(app, [*shlex.split(command)[1:], "--help"])
    assert told.exit_code == 0, told.output
    assert "Usage: " in told.output


@pytest.mark.parametrize("expr", QUERIES)
def test_a_query_is_promql_on_names_and_labels_that_exist(expr):
    nodes = walked(expr)
    assert selectors_of(nodes)
    for selector in selectors_of(nodes):
        assert {m.name for m in selector.matchers.matchers} <= set(NAMES[selector.name])
    for node in nodes:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            for selector in selectors_of(walked(node.expr.prettify())):
                assert set(node.modifier.labels) <= set(NAMES[selector.name])


@pytest.mark.parametrize("name", runbook_names())
def test_every_metric_that_is_named_exists(name):
    named = re.findall(r"\bmesh(?:scope)?_[a-z_]+", read_runbook(name).markdown)
    assert set(named) <= set(NAMES)


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_the_mesh_file_exists(field):
    assert schema_has(Mesh.model_json_schema(by_alias=True), field)


@pytest.mark.parametrize("name", runbook_names())
def test_a_board_and_its_panels_exist(name):
    titles = {panel.title for board in BOARDS for row in board.rows for panel in row.panels}
    boards = {board.title for board in BOARDS}
    paragraphs = re.compile(r"^In Grafana, (.+?)\.$", re.MULTILINE | re.DOTALL)
    for said in paragraphs.findall(read_runbook(name).markdown):
        board, *panels = (" ".join(one.split()) for one in re.findall(r"\*([^*]+)\*", said))
        assert board in boards
        assert panels
        assert set(panels) <= titles


def test_there_is_something_of_each_to_check():
    assert min(map(len, (COMMANDS, QUERIES, FIELDS))) >= 5
