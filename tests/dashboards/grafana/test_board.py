"""Boards lay their panels out on Grafana's 24 columns without gaps in ids or overlaps."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.grafana.board import GRID_WIDTH, Board, Row, document
from dashboards.grafana.catalog import BOARDS
from dashboards.grafana.panel import Panel, Query, Stat


def cells(panel):
    place = panel["gridPos"]
    columns = range(place["x"], place["x"] + place["w"])
    lines = range(place["y"], place["y"] + place["h"])
    return set(itertools.product(columns, lines))


@st.composite
def panels(draw):
    number = draw(st.integers(0, 10**6))
    size = {"width": draw(st.integers(1, GRID_WIDTH)), "height": draw(st.integers(1, 20))}
    return Panel(f"panel {number}", "A number.", "none", Stat(Query("vector(1)")), **size)


rows = st.builds(Row, st.text(min_size=1), st.lists(panels(), max_size=8).map(tuple))
boards = st.builds(
    Board,
    st.just("uid"),
    st.text(min_size=1),
    st.just("A board."),
    st.just("now-1h"),
    st.just(()),
    st.lists(rows, max_size=4).map(tuple),
)


@given(boards)
def test_no_two_panels_share_a_cell_of_the_grid(board):
    taken = set()
    for panel in document(board).get("panels", []):
        assert cells(panel).isdisjoint(taken)
        taken |= cells(panel)
    assert all(0 <= x < GRID_WIDTH for x, _ in taken)


@given(boards)
def test_ids_count_up_from_one_over_rows_and_panels(board):
    ids = [panel["id"] for panel in document(board).get("panels", [])]
    assert ids == list(range(1, len(board.rows) + len(board.panels) + 1))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_our_rows_fill_the_grid_to_the_last_column(board):
    for row in board.rows:
        assert sum(panel.width for panel in row.panels) % GRID_WIDTH == 0, row.title


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_panels_of_a_board_have_titles_of_their_own(board):
    titles = [panel.title for panel in board.panels]
    assert len(set(titles)) == len(titles)
