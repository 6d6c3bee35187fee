"""What the commands refuse before anybody is asked."""

import pytest
from typer.testing import CliRunner

from alerts.cli import app
from alerts.silencing.silences import Matcher
from tests.dashboards.running import free_port


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["silence", "--reason", "x"], "say what is silenced: --service or --match"),
        (["silence", "--reason", "x", "--match", "cart"], "'cart': must be label=value"),
        (["silence", "--reason", "x", "--match", "=a"], "'=a': must be label=value"),
        (["silence", "--reason", "x", "--service", "a", "--for", "soon"], "--for 'soon': must be"),
        (["silence", "--reason", "x", "--service", "a", "--for", "0"], "--for '0': must be"),
        (["during", "--reason", "x", "--service", "a", "--lease", "x", "--", "true"],
         "--lease 'x': must be a duration"),
        (["unsilence"], "name silences, or a --service"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(asked, told):
    answer = run(*asked)
    assert answer.exit_code == 2
    assert told in answer.output


def test_an_alertmanager_that_is_away_is_told_with_the_way_out():
    answer = run("silences", "--alertmanager", f"http://user:secret@127.0.0.1:{free_port()}")
    assert answer.exit_code == 3
    assert "hint: name it with --alertmanager" in answer.output
    assert "secret" not in answer.output


@pytest.mark.parametrize(
    ("matcher", "value", "matches"),
    [
        (Matcher("a", "b"), "b", True),
        (Matcher("a", "b"), "bc", False),
        (Matcher("a", "b", is_equal=False), "c", True),
        (Matcher("a", "b.*", is_regex=True), "bc", True),
        (Matcher("a", "b", is_regex=True), "bc", False),
        (Matcher("a", "b.*", is_regex=True, is_equal=False), "bc", False),
        (Matcher("a", "(", is_regex=True), "(", False),
    ],
)
def test_a_matcher_matches_as_alertmanager_does(matcher, value, matches):
    assert matcher.matches({"a": value}) is matches
    assert Matcher("z", "").matches({"a": value})
