"""A report as one HTML file that needs nothing else: plotly.js is inside, once.

Names are escaped by the template and never enter a figure. Never computes a number.
"""

from functools import cache
from itertools import accumulate
from typing import Any, Final

from jinja2 import Environment, PackageLoader

from slo.formats import counted, moment, percent, span
from slo.report import ObjectiveReport, Report
from slo.reporttext import headline, spent_sentence

_BAD: Final = "#b3261e"
_LEFT: Final = "#2f6fb0"
_CONFIG: Final = {"displaylogo": False, "responsive": True}


def html(report: Report) -> str:
    """Return the file; about five megabytes, nearly all of it plotly.js."""
    from plotly.offline import get_plotlyjs

    template = _environment().get_template("report.html")
    shown = [
        (one, _figure_html(one, f"figure-{place}")) for place, one in enumerate(report.objectives)
    ]
    return template.render(
        report=report, headline=headline(report), shown=shown, plotly_js=get_plotlyjs()
    )


def figure(one: ObjectiveReport) -> dict[str, Any]:
    """Return the plotly figure of an objective: bad events by day, the budget left after each."""
    dates = [day.date for day in one.days]
    spent = accumulate(day.budget_spent_ratio or 0.0 for day in one.days)
    return {
        "data": [
            {
                "type": "bar",
                "name": f"bad {one.unit}",
                "x": dates,
                "y": [day.bad / one.parts_per_event for day in one.days],
                "marker": {"color": _BAD},
                "yaxis": "y",
            },
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": "budget left",
                "x": dates,
                "y": [1 - ratio for ratio in spent],
                "line": {"color": _LEFT},
                "yaxis": "y2",
            },
        ],
        "layout": {
            "height": 320,
            "margin": {"l": 60, "r": 60, "t": 40, "b": 40},
            "legend": {"orientation": "h", "y": 1.15},
            "xaxis": {"type": "date"},
            "yaxis": {"title": {"text": f"bad {one.unit}"}, "rangemode": "tozero"},
            "yaxis2": {
                "title": {"text": "budget left"},
                "overlaying": "y",
                "side": "right",
                "tickformat": ".0%",
                "showgrid": False,
                "zeroline": False,
                "tickmode": "auto",
            },
        },
    }


def _figure_html(one: ObjectiveReport, div_id: str) -> str:
    from plotly.io import to_html

    if not one.attainment.total:
        return ""
    text: str = to_html(
        figure(one),
        config=_CONFIG,
        include_plotlyjs=False,
        full_html=False,
        div_id=div_id,
        default_height="320px",
        validate=False,
    )
    return text


@cache
def _environment() -> Environment:
    environment = Environment(loader=PackageLoader("slo"), autoescape=True)
    environment.filters.update(
        counted=counted, percent=percent, moment=moment, span=span, spent=spent_sentence
    )
    return environment
