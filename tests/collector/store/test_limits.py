"""What the engine may take of the machine."""

import os

import pytest

from collector.store.limits import EngineLimits, available_bytes, engine_limits
from collector.store.store import open_store

GIB = 2**30


@pytest.mark.parametrize(("text", "bounds"), [("max", False), (str(GIB), True), (None, False)])
def test_a_container_bounds_the_memory_only_when_it_says_a_number(tmp_path, text, bounds):
    file = tmp_path / "memory.max"
    if text is not None:
        file.write_text(f"{text}\n")

    assert (available_bytes((file,)) == GIB) is bounds
    assert available_bytes((file,)) <= available_bytes(())


def test_what_is_asked_for_is_taken_and_the_rest_fits_the_machine():
    assert engine_limits(memory_bytes=GIB, threads=3) == EngineLimits(GIB, 3)
    found = engine_limits()
    assert 2**28 <= found.memory_bytes <= 2 * GIB
    assert found.threads in {1, 2, 3, 4}
    assert found.threads <= max(len(os.sched_getaffinity(0)) // 2, 1)


def test_the_limits_hold_from_the_moment_of_opening(tmp_path):
    path = tmp_path / "mesh.duckdb"
    with open_store(path, limits=EngineLimits(GIB, 3, temp_bytes=GIB)) as store:
        names = "('memory_limit', 'threads', 'max_temp_directory_size', 'temp_directory')"
        settings = store.cursor().execute(
            f"SELECT name, value FROM duckdb_settings() WHERE name IN {names}"
        )
        assert dict(settings.fetchall()) == {
            "memory_limit": "1.0 GiB",
            "threads": "3",
            "max_temp_directory_size": "1.0 GiB",
            "temp_directory": f"{path}.tmp",
        }
