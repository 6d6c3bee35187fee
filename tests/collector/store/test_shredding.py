"""Attributes survive being made columns, and are found alike in both forms."""

import duckdb
import orjson
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.otlp.attributes import to_json
from collector.store import shredding
from collector.store.shredding import hot_match, put_together, sealed_match, shape_of, shredded_sql

HOT = "SELECT * FROM spans"
keys = st.sampled_from(
    ["a", "A", "b.c", "q\"u'o", "", "ключ", "~/", "null", "@a", "rest"]
) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
scalars = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8)
    | st.sampled_from(["1", "true", "1.5", ":null", '"a":1', ""])
)
values = st.recursive(
    scalars | st.none(),
    lambda one: st.lists(one, max_size=2) | st.dictionaries(keys, one, max_size=2),
)
documents = st.lists(st.dictionaries(keys, values, max_size=5), min_size=1, max_size=6)


def tables(docs):
    """Return a cursor with the spans hot, their sealed form, and its shape."""
    cursor = duckdb.connect()
    cursor.execute("CREATE TABLE spans (i BIGINT, attributes JSON)")
    cursor.register("docs", pa.table({"i": range(len(docs)), "t": [to_json(doc) for doc in docs]}))
    cursor.execute("INSERT INTO spans SELECT i, t FROM docs")
    shape = shape_of(cursor, HOT, [])
    sealed = cursor.execute(f"{shredded_sql(shape, HOT)} ORDER BY i").to_arrow_table()
    cursor.register("sealed", sealed)
    return cursor, sealed, shape


@settings(max_examples=25, deadline=None)
@given(documents)
def test_what_comes_back_is_what_went_in(docs):
    _, sealed, _ = tables(docs)

    assert put_together(sealed)["attributes"].to_pylist() == [to_json(doc) for doc in docs]


def means(stored, asked):
    """Tell, naively, whether a stored value is the one asked for."""
    if isinstance(asked, str) and isinstance(stored, bool | int | float):
        return to_json(stored) == asked
    return type(stored) is type(asked) and stored == asked


@settings(max_examples=25, deadline=None)
@given(documents, keys, scalars)
@example([{"a": "\x1f"}, {"a": "\\u001f"}], "a", "\x1f")
def test_a_search_finds_the_same_hot_and_sealed(docs, key, value):
    cursor, _, shape = tables(docs)
    pairs = [
        (k, v) for doc in docs for k, v in doc.items() if isinstance(v, bool | int | float | str)
    ]
    for asked in [(key, value), *pairs[:2]]:
        hot, sealed = hot_match(dict([asked])), sealed_match(dict([asked]), shape.keys)
        expected = [
            i for i, doc in enumerate(docs) if asked[0] in doc and means(doc[asked[0]], asked[1])
        ]
        for table, match in (("spans", hot), ("sealed", sealed)):
            sql = f"SELECT i FROM {table} WHERE {match.sql} ORDER BY i"
            found = [row[0] for row in cursor.execute(sql, match.parameters).fetchall()]
            assert found == expected, (table, asked)


def test_all_attributes_must_match():
    cursor, _, shape = tables([{"a": 1, "b": 2}, {"a": 1, "b": 3}])
    match = sealed_match({"a": 1, "b": 3}, shape.keys)

    assert cursor.execute(
        f"SELECT i FROM sealed WHERE {match.sql}", match.parameters
    ).fetchall() == [(1,)]


def test_the_rarest_keys_of_too_many_stay_text(monkeypatch):
    monkeypatch.setattr(shredding, "MAX_KEYS", 2)
    docs = [{"a": 1, "b": 1}, {"a": 1, "b": 1}, {"a": 1, "c": 1}]
    _, sealed, shape = tables(docs)

    assert (shape.keys, shape.others) == (("a", "b"), ("c",))
    assert [row is None for row in sealed["rest"].to_pylist()] == [True, True, False]
    assert put_together(sealed)["attributes"].to_pylist() == [
        orjson.dumps(d).decode() for d in docs
    ]


@pytest.mark.parametrize("docs", [[{}], [{"": 1}]])
def test_spans_without_a_key_that_can_be_a_column(docs):
    _, sealed, shape = tables(docs)

    assert shape.keys == ()
    assert put_together(sealed)["attributes"].to_pylist() == [to_json(doc) for doc in docs]
