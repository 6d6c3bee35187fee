import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.periods import parse_period
from slo.report import report
from slo.reporthtml import figure, html
from slo.reporttext import markdown
from slo.sources.edges import EdgeCountSource
from slo.windows import google_30d
from tests.slo.strategies import slo
from tests.slo.workloads import DAY_S, END_S, SEGMENTS, Segment, events, fill

STEADY = Segment(END_S - 20 * DAY_S, 20 * 1440, 60, 0, 0, every_s=60)
OUTAGE = Segment(END_S - DAY_S - 3600, 60, 0, 0, 10)
"""Twenty days of traffic until 2027-01-15 08:00 UTC; ten minutes of failures on the 14th, 07:00."""
EVIL = "<script>alert(1)</script> | x"


def _report(rows, objectives=None, period="2027-01", now_s=END_S):
    with fill(rows) as store:
        source = EdgeCountSource(store.cursor())
        slos = [slo()] if objectives is None else objectives
        return report(slos, lambda _spans: source, parse_period(period, now_s), now_s, google_30d())


@pytest.fixture(scope="module")
def january():
    return _report(events([STEADY, OUTAGE]), [replace(slo(), display_name=EVIL)])


def test_a_period_in_progress_is_reported_until_now(january):
    (one,) = january.objectives
    seconds = 14 * DAY_S + 8 * 3600
    assert (january.is_over, january.to_s - january.from_s) == (False, seconds)
    assert (one.attainment.total, one.attainment.bad) == (seconds + 600, 600)
    assert one.attainment.budget_minutes == pytest.approx(seconds / 60 * 0.001)
    assert one.attainment.spent_minutes == pytest.approx(600 / (seconds + 600) * seconds / 60)
    assert one.attainment.is_met
    assert one.no_data_ratio == 0
    assert len(one.days) == 15


def test_the_worst_days_come_first_and_hold_the_budget_that_they_spent(january):
    (one,) = january.objectives
    assert [(day.date, day.bad) for day in one.worst_days] == [("2027-01-14", 600)]
    assert one.worst_days[0].budget_spent_ratio == one.attainment.budget_spent_ratio


def test_an_incident_lasts_while_a_page_fires(january):
    ((incident,),) = (one.incidents for one in january.objectives)
    assert incident.from_s == OUTAGE.start_s + 60
    assert incident.to_s > OUTAGE.start_s + 600
    assert incident.tiers == ("page-1h", "page-6h")
    assert incident.bad == 600
    assert not incident.is_open


def test_the_period_before_is_beside_it(january):
    (one,) = january.objectives
    assert january.before == "2026-12"
    in_december = STEADY.buckets * 60 - (january.to_s - january.from_s)
    assert (one.before.total, one.before.bad, one.before.sli_ratio) == (in_december, 0, 1)


def test_missed_objectives_come_first_and_silence_is_no_data():
    slos = [slo("a"), slo("b", target="0.9999"), slo("c", destination="nobody")]
    hour = Segment(END_S - DAY_S, 360, 1200, 0, 0)
    found = _report(events([hour, Segment(END_S - DAY_S, 10, 0, 0, 10)]), slos)
    assert [one.name for one in found.objectives] == ["b", "c", "a"]
    silent = found.objectives[1]
    assert (silent.attainment.is_met, silent.no_data_ratio) == (None, 1)
    assert "1 of 3 objectives were met, 1 had no data." in markdown(found)


@settings(max_examples=15, deadline=None)
@given(segments=SEGMENTS, period=st.sampled_from(["2027-01", "2026-12", "30d", "2027-Q1"]))
def test_days_add_up_to_the_period_and_nothing_is_nan(segments, period):
    found = _report(events(segments), period=period)
    (one,) = found.objectives
    assert sum(day.total for day in one.days) == one.attainment.total
    assert sum(day.bad for day in one.days) == one.attainment.bad
    assert 0 <= one.no_data_ratio <= 1
    json.dumps(asdict(found), allow_nan=False)
    assert markdown(found).count("\n## ") == 1


def test_markdown_tells_it_in_tables_and_takes_no_markup_from_names(january):
    text = markdown(january)
    assert text.startswith("# Service levels, 2027-01\n")
    assert "| 2027-01-14 | 600 |" in text
    assert "page-1h, page-6h" in text
    assert "<script>" not in text
    assert "\\<script\\>alert(1)\\</script\\> \\| x" in text


def test_html_stands_alone_with_plotly_inside_once(january):
    page = html(january)
    assert page.count("* plotly.js v") == page.count("Plotly.newPlot") == 1
    head = page.index("</script>")
    assert "<script>alert(1)" not in page[head:]
    assert 'src="http' not in page[:2000] + page[head:]
    assert "2027-01-14" in page


def test_the_figure_ends_at_the_budget_that_is_left(january):
    (one,) = january.objectives
    bars, line = figure(one)["data"]
    assert sum(bars["y"]) == one.attainment.bad
    assert line["y"][-1] == pytest.approx(1 - one.attainment.budget_spent_ratio)
