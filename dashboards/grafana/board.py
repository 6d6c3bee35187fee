"""A board as a value: variables, rows, panels; ``render`` is the JSON that Grafana provisions.

Never reads or writes a file. Classic dashboard model, schema version 41: Grafana 10 to 13 load it.
The same board always renders to the same text, so that a committed file can be checked for drift.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from dashboards.grafana.panel import DATASOURCE, Panel, builder

TAG: Final = "meshscope"
"""Every board carries this tag, and the links at the top of each board follow it."""

GRID_WIDTH: Final = 24


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of the board: values of a label, several at once, all by default."""

    name: str
    label: str
    query: str
    all_value: str = ".+"
    """``.*`` for labels that may be empty: ``.+`` would lose the series without them."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading; they fill the grid from left to right."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. The uid is part of its URL and never changes."""

    uid: str
    title: str
    description: str
    time_from: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Every panel of every row, in reading order."""
        return tuple(panel for row in self.rows for panel in row.panels)


def render(board: Board) -> str:
    """Return the dashboard's JSON text, keys sorted, ending in a newline."""
    built = _head(board)
    for variable in (_datasource(), *map(_variable, board.variables)):
        built.with_variable(variable)
    _place(built, board.rows)
    text = json.dumps(built.build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False)
    return text + "\n"


def document(board: Board) -> Mapping[str, Any]:
    """Return the dashboard as decoded JSON."""
    decoded: Mapping[str, Any] = json.loads(render(board))
    return decoded


def _head(board: Board) -> builders.Dashboard:
    built = builders.Dashboard(board.title).uid(board.uid).description(board.description)
    built.tags([TAG, "generated"]).readonly().time(board.time_from, "now").refresh("30s")
    built.tooltip(models.DashboardCursorSync.CROSSHAIR)
    link = builders.DashboardLink("Mesh boards").type(models.DashboardLinkType.DASHBOARDS)
    return built.link(link.tags([TAG]).keep_time(True).include_vars(True).as_dropdown(False))


def _datasource() -> builders.DatasourceVariable:
    variable = builders.DatasourceVariable("datasource").label("Data source").type("prometheus")
    return variable.current(models.VariableOption(selected=True, text=TAG, value=TAG))


def _variable(variable: Variable) -> builders.QueryVariable:
    built = builders.QueryVariable(variable.name).label(variable.label).query(variable.query)
    built.datasource(DATASOURCE).multi(True).include_all(True).all_value(variable.all_value)
    built.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    built.sort(models.VariableSort.ALPHABETICAL_ASC)
    return built.current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))


def _place(built: builders.Dashboard, rows: tuple[Row, ...]) -> None:
    panel_id = 0
    y = 0
    for row in rows:
        panel_id += 1
        heading = builders.Row(row.title).id(panel_id)
        built.with_row(heading.grid_pos(models.GridPos(h=1, w=GRID_WIDTH, x=0, y=y)))
        y += 1
        x = height = 0
        for panel in row.panels:
            panel_id += 1
            if x + panel.width > GRID_WIDTH:
                y, x, height = y + height, 0, 0
            place = models.GridPos(h=panel.height, w=panel.width, x=x, y=y)
            built.with_panel(builder(panel, panel_id=panel_id).grid_pos(place))
            x, height = x + panel.width, max(height, panel.height)
        y += height
