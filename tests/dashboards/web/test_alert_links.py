"""Every link of a generated alert leads to a page that is there."""

import re
from pathlib import Path

from collector.store.store import open_store
from dashboards.web.app import create_app
from slo.openslo import load_openslo
from tests.dashboards.web.seeded import deps
from tests.dashboards.web.visitor import Visitor

ROOT = Path(__file__).parents[3]
RULES = ROOT / "alerts" / "rules" / "shop.yaml"
LINK = re.compile(r"(?:runbook|dashboard)_url: '?http://127\.0\.0\.1:8428(?P<path>/[^'\n]*)")


def test_every_page_that_an_alert_links_to_answers() -> None:
    slos = load_openslo([ROOT / "slo" / "objectives" / "shop.yaml"]).slos
    texts = LINK.findall(RULES.read_text(encoding="utf-8"))
    paths = {re.sub(r"\{\{ \$labels\.\w+ \}\}", "cart", text) for text in texts}
    with open_store() as store:
        visitor = Visitor(create_app(deps(store, slos=slos)))
        answers = {path: visitor.get(path).status_code for path in sorted(paths)}
    assert len(answers) > len(slos)
    assert {path: status for path, status in answers.items() if status >= 400} == {}
