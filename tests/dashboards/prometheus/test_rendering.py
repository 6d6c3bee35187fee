"""Answers as JSON: any grid is what a plain encoder would write."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from collector.promql.native import Histogram, side
from collector.promql.samples import Answer, Grid, Samples, Scalar, Text
from dashboards.prometheus import rendering
from dashboards.prometheus.numbers import number_text
from dashboards.prometheus.rendering import instant_data, range_data, series_count

HISTOGRAM = Histogram(count=4.0, sum=5.5, schema=0, positive=side(1, [3.0, 1.0]))
SHOWN = {
    "count": "4",
    "sum": "5.5",
    "buckets": [[0, "1", "2", "3"], [0, "2", "4", "1"]],
}


def data(chunks):
    return json.loads(b"".join(chunks))


def grid(values, present=None, histograms=None):
    values = np.array(values, np.float64)
    there = np.ones(values.shape, np.bool_) if present is None else np.array(present)
    labels = [(("__name__", "m"), ("i", str(at))) for at in range(len(values))]
    steps = np.arange(values.shape[1], dtype=np.int64) * 500
    return Answer(Grid(labels, steps, values, there, histograms))


SHAPES = npst.array_shapes(min_dims=2, max_dims=2, max_side=5)


@given(st.data())
def test_a_matrix_holds_every_point_that_is_present(data_of):
    shape = data_of.draw(SHAPES)
    values = data_of.draw(npst.arrays(np.float64, shape))
    present = data_of.draw(npst.arrays(np.bool_, shape))

    found = data(range_data(grid(values, present)))

    expected = [
        {
            "metric": {"__name__": "m", "i": str(row)},
            "values": [
                [step * 0.5, number_text(values[row, step])]
                for step in np.flatnonzero(present[row])
            ],
        }
        for row in range(shape[0])
        if present[row].any()
    ]
    assert found == {"resultType": "matrix", "result": expected}


def test_an_instant_vector_has_one_value_each():
    found = data(instant_data(grid([[1.5], [2.0]], [[True], [False]])))

    metric = {"__name__": "m", "i": "0"}
    assert found == {"resultType": "vector", "result": [{"metric": metric, "value": [0, "1.5"]}]}


def test_scalars_and_strings_are_pairs():
    at = np.array([4500], np.int64)

    scalar = data(instant_data(Answer(Scalar(at, np.array([np.inf])))))
    text = data(instant_data(Answer(Text(4000, 'a "b"'))))

    assert scalar == {"resultType": "scalar", "result": [4.5, "+Inf"]}
    assert text == {"resultType": "string", "result": [4, 'a "b"']}


def test_a_scalar_over_a_range_is_a_series_without_labels():
    steps = np.array([0, 1000], np.int64)

    found = data(range_data(Answer(Scalar(steps, np.array([1.0, 2.0])))))

    assert found["result"] == [{"metric": {}, "values": [[0, "1"], [1, "2"]]}]


def test_a_range_vector_keeps_the_times_of_its_samples():
    samples = Samples(
        [(("a", "b"),), (("a", "c"),)],
        np.array([0, 2, 3], np.int64),
        np.array([1, 1500, 2000], np.int64),
        np.array([1.0, 2.0, 3.0]),
    )

    found = data(instant_data(Answer(samples)))

    assert found["resultType"] == "matrix"
    values = [one["values"] for one in found["result"]]
    assert values == [[[0.001, "1"], [1.5, "2"]], [[2, "3"]]]


def test_native_histograms_have_buckets_and_stand_beside_numbers():
    natives = np.array([[None, HISTOGRAM], [HISTOGRAM, HISTOGRAM]], object)

    first, second = data(range_data(grid([[1, 0], [0, 0]], histograms=natives)))["result"]
    (instant,) = data(instant_data(grid([[0]], histograms=natives[:1, 1:])))["result"]

    assert first["values"] == [[0, "1"]]
    assert first["histograms"] == [[0.5, SHOWN]]
    assert second["histograms"] == [[0, SHOWN], [0.5, SHOWN]]
    assert "values" not in second
    assert instant["histogram"] == [0, SHOWN]


def test_no_series_are_an_empty_list():
    assert data(range_data(grid(np.empty((0, 3))))) == {"resultType": "matrix", "result": []}
    assert data(instant_data(grid(np.empty((0, 1)))))["result"] == []


def test_a_limit_leaves_series_out_and_the_count_tells():
    answer = grid([[1.0], [2.0], [3.0]])

    assert len(data(instant_data(answer, 2))["result"]) == 2
    assert series_count(answer) == 3


def test_a_large_answer_comes_in_chunks():
    wide = grid(np.ones((8, 20_000)))

    chunks = list(range_data(wide))

    assert len(chunks) == 2
    assert max(map(len, chunks)) < 3 * rendering.CHUNK_BYTES
    assert len(data(chunks)["result"]) == 8
