"""The checklist is whole: no point without a test, no test without a point, no stale page."""

from tests.collector.receiver.conformance.checklist import PAGE, POINTS, names_of_tests, page


def test_every_point_has_a_test_and_every_test_a_point():
    assert sorted(names_of_tests()) == sorted(point.id for point in POINTS)


def test_the_page_is_what_the_checklist_says():
    assert PAGE.read_text("utf-8") == page(), "run `make generate`"
