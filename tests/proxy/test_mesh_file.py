"""Every mistake in mesh.yaml is told with its line, its path and what would mend it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import InvalidMesh
from proxy.mesh_file import load, parse
from tests.proxy.mesh_mistakes import GOOD, MISTAKES, ROUTE


def test_a_good_file_is_the_mesh_it_says() -> None:
    mesh = parse(GOOD, file="mesh.yaml")
    assert [service.name for service in mesh.services] == ["gateway", "payments"]
    assert mesh.service("payments").versions == ("v1", "v2")
    assert mesh.service("payments").split() == {"v1": 100}
    assert [service.name for service in mesh.callees("gateway")] == ["payments"]
    assert mesh.spiffe_id("payments") == "spiffe://mesh.local/ns/default/sa/payments"


def test_a_version_of_weight_zero_gets_no_share() -> None:
    mesh = parse(replaced("callers: [gateway]", "weights: {v1: 0, v2: 100}"), file="mesh.yaml")
    assert mesh.service("payments").split() == {"v2": 100}


@pytest.mark.parametrize(("right", "wrong", "told"), MISTAKES)
def test_a_mistake_is_told_with_line_path_and_remedy(
    right: str, wrong: str, told: list[str]
) -> None:
    with pytest.raises(InvalidMesh) as caught:
        parse(replaced(right, wrong), file="mesh.yaml")
    assert str(caught.value).splitlines() == [f"mesh.yaml:{line}" for line in told]


def test_routes_of_one_prefix_and_two_methods_do_not_shadow_each_other() -> None:
    other = ROUTE.replace("name: pay", "name: status").replace("POST", "GET")
    parse(replaced(ROUTE, f"{ROUTE}\n      {other}"), file="mesh.yaml")


def test_a_merged_value_is_told_where_the_mapping_begins() -> None:
    text = replaced("callers: [gateway]", "<<: {timeoutSeconds: soon}")
    with pytest.raises(InvalidMesh, match=r"mesh\.yaml:9: services\[1\]\.timeoutSeconds"):
        parse(text, file="mesh.yaml")


def test_a_file_that_is_not_there_is_told_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mesh.yaml"
    with pytest.raises(InvalidMesh) as caught:
        load(path)
    assert str(caught.value) == f"{path}:1: cannot be read: No such file or directory"


def test_a_directory_is_no_mesh_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidMesh) as caught:
        load(tmp_path)
    assert str(caught.value) == f"{tmp_path}:1: cannot be read: Is a directory"


def test_a_file_that_is_no_utf8_is_told_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "mesh.yaml"
    path.write_bytes(b"kind: Mesh\nnamespace: caf\xe9\n")
    with pytest.raises(InvalidMesh) as caught:
        load(path)
    assert str(caught.value) == f"{path}:2: is not UTF-8 text"


TOKENS = st.sampled_from(
    [
        "&a ",
        "*a",
        "!!int ",
        "!!set ",
        "!!bool ",
        "- ",
        "? ",
        ": ",
        "[",
        "{",
        "}",
        "\n",
        "<<: ",
        "1e",
    ]
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD)), TOKENS | st.text(max_size=3)), max_size=3))
def test_a_damaged_file_is_a_mesh_or_an_invalid_mesh(damage: list[tuple[int, str]]) -> None:
    text = GOOD
    for place, inserted in damage:
        text = text[:place] + inserted + text[place:]
    lines = range(1, len(text.split("\n")) + 1)
    try:
        parse(text, file="mesh.yaml")
    except InvalidMesh as error:
        wrong = [problem for problem in error.problems if problem.line not in lines]
    else:
        wrong = []
    assert not wrong


def replaced(right: str, wrong: str) -> str:
    """Return the good file with one mistake."""
    assert right in GOOD
    return GOOD.replace(right, wrong, 1)
