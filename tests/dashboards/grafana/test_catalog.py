"""The committed JSON is what the boards render to, every time."""

from dashboards.grafana.catalog import BOARDS, files
from dashboards.grafana.cli import GENERATED


def test_the_committed_files_are_what_the_boards_render_to():
    committed = {path.name: path.read_text(encoding="utf-8") for path in GENERATED.iterdir()}
    assert committed == files(), "run `make generate`"


def test_rendering_twice_gives_the_same_text():
    assert files() == files()


def test_every_board_has_a_uid_and_a_title_of_its_own():
    assert len({board.uid for board in BOARDS}) == len(BOARDS)
    assert len({board.title for board in BOARDS}) == len(BOARDS)
