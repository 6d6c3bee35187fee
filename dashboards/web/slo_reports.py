"""Reports of a period as files: which objectives, read from one snapshot, in three formats.

Never computes a budget: ``slo.report`` does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.store.store import Store
from dashboards.web.answers import encode
from dashboards.web.routers.slo_parameters import ReportQuestion
from slo.corrections import Correction
from slo.model import Slo
from slo.report import Report, report
from slo.reporthtml import html
from slo.reporttext import markdown
from slo.sources import CountSource, Window
from slo.sources.counting import Counting


@dataclass(frozen=True, slots=True)
class Format:
    """How a report becomes a file."""

    media_type: str
    suffix: str
    write: Callable[[Report], str | bytes]


FORMATS: Final[Mapping[str, Format]] = {
    "html": Format("text/html", "html", html),
    "markdown": Format("text/markdown", "md", markdown),
    "json": Format("application/json", "json", encode),
}


def read_report(
    store: Store,
    slos: Sequence[Slo],
    asked: ReportQuestion,
    corrections: Sequence[Correction] = (),
    counting: Counting | None = None,
) -> Report:
    """Report on the objectives of one service, or on all."""
    shown = [slo for slo in slos if asked.service in {None, slo.service}]
    with store.snapshot() as cursor:
        made = counting or Counting()

        def source(spans: Sequence[Window]) -> CountSource:
            return made.source(cursor, asked.to_s, spans)

        shown = made.slos(cursor, shown, asked.to_s)
        return report(shown, source, asked.periods, asked.to_s, corrections=corrections)
