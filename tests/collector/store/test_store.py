"""Opening a store."""

import multiprocessing

import duckdb
import pytest

from collector.store.errors import SchemaTooNew, StoreUnavailable
from collector.store.store import SCHEMA_VERSION, open_store


def test_a_new_file_gets_the_schema_and_keeps_it(tmp_path):
    path = tmp_path / "mesh.duckdb"
    open_store(path).close()

    with open_store(path) as store:
        versions = store.cursor().execute("SELECT value FROM meta").fetchall()

    assert versions == [(str(SCHEMA_VERSION),)]


def test_a_file_of_a_newer_meshscope_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "mesh.duckdb"
    with open_store(path) as store:
        store.cursor().execute("UPDATE meta SET value = '99'")

    said = f"has schema version 99, this meshscope knows {SCHEMA_VERSION}"
    with pytest.raises(SchemaTooNew, match=said):
        open_store(path)


def test_another_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be read as one" * 100)

    with pytest.raises(StoreUnavailable, match=r"cannot open the store .*notes.txt"):
        open_store(path)


def _hold(path, opened, release):
    connection = duckdb.connect(path)
    opened.set()
    release.wait()
    connection.close()


def test_a_file_held_by_another_process_is_refused(tmp_path):
    path = tmp_path / "mesh.duckdb"
    context = multiprocessing.get_context("spawn")
    opened, release = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(str(path), opened, release))
    holder.start()
    try:
        assert opened.wait(30)
        with pytest.raises(StoreUnavailable, match="cannot open the store"):
            open_store(path)
    finally:
        release.set()
        holder.join()
