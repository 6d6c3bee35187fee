"""The example notebooks, run as a person would, against a server that a receiver has fed."""

import ast
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.meshscope.shop import BAD_MINUTES, FAILED, PAYMENT, shop

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

pytestmark = pytest.mark.filterwarnings("default")  # of Jupyter, its sockets and its loop


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with shop(tmp_path_factory.mktemp("shop")) as (running, _):
        yield running


def run(name, server):
    """Return what the tagged cells said; a cell that fails raises."""
    book = nbformat.read(NOTEBOOKS / name, as_version=4)
    environment = os.environ | {
        "MESHSCOPE_URL": str(server.web.base_url),
        "PLOTLY_RENDERER": "plotly_mimetype",
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    NotebookClient(book, timeout=60, resources={"metadata": {"path": "."}}).execute(env=environment)
    figures = [
        output for cell in book.cells for output in cell.get("outputs", ())
        if "application/vnd.plotly.v1+json" in output.get("data", ())
    ]  # fmt: skip
    said = {
        tag: ast.literal_eval(cell.outputs[-1]["data"]["text/plain"])
        for cell in book.cells
        for tag in cell.metadata.get("tags", ())
    }
    return said, figures


def test_the_slo_review_says_what_the_api_says(server):
    said, figures = run("slo_review.ipynb", server)

    statuses = server.json("/api/slos")
    assert said["bad_by_slo"] == {one["name"]: one["bad"] for one in statuses}
    assert said["bad_events"] == statuses[0]["bad"] == 30 * len(BAD_MINUTES)
    assert len(figures) == 3


def test_the_incident_review_finds_the_incident(server):
    said, figures = run("incident_review.ipynb", server)

    (edge,) = (
        one
        for one in server.json("/api/topology?from=now-1h")["edges"]
        if one["destination"] == "payment"
    )
    assert said["suspect"] == {
        "destination": "payment",
        "requests": edge["requests"],
        "errors": edge["errors"],
    }
    assert (edge["requests"], edge["errors"]) == (PAYMENT, FAILED)
    assert said["minutes"]["errors"] == FAILED
    assert said["minutes"]["bad_minutes"] == len(BAD_MINUTES)
    assert len(figures) == 5


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_what_it_said(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
