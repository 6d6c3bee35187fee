"""Our own scripts in the language of Prometheus's PromQL tests, eval by eval."""

from pathlib import Path

import pytest

from tests.collector.promql.script.runner import Case, cases, faults

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.test"))


def every_case():
    for path in SCRIPTS:
        for case in cases(path.read_text()):
            yield pytest.param(case, id=f"{path.name}:{case.eval.line}")


@pytest.mark.parametrize("case", list(every_case()))
def test_an_eval_answers_as_documented(case: Case):
    assert faults(case) == [], case.eval.query
