"""A journal knows after any end what was done before it."""

import pytest

from collector.importing.errors import ImportFailed, UsedWrongly
from collector.importing.journal import Header, Journal

HEADER = Header("http://source", "http://target", ("{a='1'}",), 0, 1000, 100)
UNITS = [(0, 0, "up"), (0, 1, "up"), (100, 0, "µ\n")]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.journal"


def _written(path):
    with Journal(path, HEADER, resume=False) as journal:
        for number, unit in enumerate(UNITS):
            journal.note(unit, number)


def test_what_was_noted_is_known_later(path):
    _written(path)
    with Journal(path, HEADER, resume=True) as journal:
        assert journal.header == HEADER
        assert all(journal.has(unit) for unit in UNITS)
        assert not journal.has((100, 1, "up"))
        assert journal.samples == 0 + 1 + 2


def test_the_time_of_the_first_run_is_that_of_a_later_one(path):
    _written(path)
    later = Header("http://source", "http://target", (), 500, 2000, 100)
    with Journal(path, later, resume=True) as journal:
        assert journal.header == HEADER


def test_a_line_that_was_cut_at_any_byte_is_not_there(path):
    _written(path)
    content = path.read_bytes()
    for size in range(content.index(b"\n") + 1, len(content)):
        path.write_bytes(content[:size])
        with Journal(path, HEADER, resume=True) as journal:
            known = [journal.has(unit) for unit in UNITS]
            journal.note((100, 9, "new"), 1)
        assert known == sorted(known, reverse=True)
        assert sum(known) == content[:size].count(b"\n") - 1
        with Journal(path, HEADER, resume=True) as journal:
            assert journal.has((100, 9, "new"))


def test_an_import_that_has_not_ended_is_not_begun_again_by_mistake(path):
    _written(path)
    with pytest.raises(UsedWrongly, match="--resume"):
        Journal(path, HEADER, resume=False)


def test_there_must_be_something_to_resume(path):
    with pytest.raises(UsedWrongly, match="no import"):
        Journal(path, HEADER, resume=True)
    assert not path.exists()


def test_a_journal_of_another_source_is_not_taken(path):
    _written(path)
    other = Header("http://other", "http://target", (), 0, 1, 1)
    with pytest.raises(UsedWrongly, match="http://source"):
        Journal(path, other, resume=True)


def test_two_imports_do_not_share_a_journal(path):
    with Journal(path, HEADER, resume=False), pytest.raises(UsedWrongly, match="another import"):
        Journal(path, HEADER, resume=True)


def test_an_import_that_failed_before_it_began_leaves_nothing(path):
    with pytest.raises(ImportFailed), Journal(path, HEADER, resume=False):
        raise ImportFailed("nobody answers")
    assert not path.exists()


def test_a_damaged_journal_is_told_so(path):
    path.write_bytes(b"{not json\n")
    with pytest.raises(UsedWrongly, match="damaged"):
        Journal(path, HEADER, resume=True)
