from fractions import Fraction

import pytest

from alerts.burnrate import burn_alerts, decimal_text
from slo.windows import google_30d
from tests.slo.strategies import slo

BASE = "https://mesh.example"


def _alerts(objective, **options):
    return burn_alerts(objective, google_30d(), base_url=BASE, **options)


def test_every_tier_has_an_alert_whose_labels_say_which_it_is():
    found = [dict(alert.labels) for alert in _alerts(slo(labels={"team": "orders"}))]
    common = {"slo": "cart-availability", "service": "cart", "team": "orders"}
    assert found == [
        {**common, "severity": "page", "long": "1h", "short": "5m", "factor": "14.4"},
        {**common, "severity": "page", "long": "6h", "short": "30m", "factor": "6"},
        {**common, "severity": "ticket", "long": "1d", "short": "2h", "factor": "3"},
        {**common, "severity": "ticket", "long": "3d", "short": "6h", "factor": "1"},
    ]


def test_a_service_without_a_team_is_its_own():
    assert _alerts(slo())[0].labels["team"] == "cart"


def test_a_tier_that_no_outage_can_fire_has_no_alert():
    assert [alert.labels["long"] for alert in _alerts(slo(target="0.9"))] == ["6h", "1d", "3d"]


def test_annotations_lead_to_the_page_of_the_objective_and_to_a_runbook():
    annotations = _alerts(slo())[0].annotations
    assert annotations["dashboard_url"] == f"{BASE}/slos/cart-availability"
    assert annotations["runbook_url"] == f"{BASE}/runbooks/error-budget-burn"
    assert "2 % of the 30d budget goes within 1h" in annotations["description"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(Fraction(72, 5), "14.4"), (Fraction(14, 15), "0.9333"), (Fraction(30), "30")],
)
def test_factors_print_as_short_decimals(value, text):
    assert decimal_text(value) == text
