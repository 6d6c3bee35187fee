"""Every board, and the file name it is committed under. Never reads or writes a file."""

from collections.abc import Mapping
from typing import Final

from dashboards.grafana.board import Board, render
from dashboards.grafana.boards import debug, executive, oncall

BOARDS: Final[tuple[Board, ...]] = (executive.BOARD, oncall.BOARD, debug.BOARD)


def files() -> Mapping[str, str]:
    """Return file name -> dashboard JSON, for every board."""
    return {f"{board.uid}.json": render(board) for board in BOARDS}
