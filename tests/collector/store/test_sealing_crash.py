"""A process killed while it seals leaves the hot rows or the file, and no third thing."""

import multiprocessing
import os
import signal

from collector.sampling import SamplingPolicy
from collector.store.sealed_files import SealedRetention
from collector.store.sealing import Sealer, SealingSettings
from collector.store.store import open_store
from tests.collector.exports import T0
from tests.collector.spans import (
    HOUR,
    Clock,
    every_span,
    files,
    put_names,
    put_spans,
    rows,
    seal,
    some_traces,
    span,
)

CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload([__name__])
STEPS = ("written", "renamed", "recorded", "deleted", "committed")


def _seal_until(path, step):
    def progress(name):
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    store = open_store(path, clock_ns=Clock(T0 + HOUR + 1000 * 10**9))
    policy = SamplingPolicy(slow_quantile=None, baseline_ratio=0.5)
    Sealer(store, SealingSettings(sampling=policy), progress=progress).run_once()


def test_kill_9_at_any_step_leaves_the_rows_or_the_file(tmp_path):
    """Each victim leaves its mess to the next; decisions and counts are those of a calm sealing."""
    path = tmp_path / "mesh.duckdb"
    with open_store(path) as store:
        put_names(store)
        put_spans(store, some_traces())
        before = every_span(store)
    for step in STEPS:
        child = CHILDREN.Process(target=_seal_until, args=(path, step))
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        with open_store(path, clock_ns=Clock(T0 + HOUR + 1000 * 10**9)) as store:
            Sealer(store).close()  # opening removes orphans
            found = every_span(store)
            if step == "committed":
                assert len(files(store)) == 1
                assert {row["trace_hi"] for row in found} < {row["trace_hi"] for row in before}
                dropped = store.cursor().execute("SELECT sum(spans) FROM sampled_out").fetchone()[0]
                assert len(found) + dropped == len(before)
                assert rows(store, "sampling_decisions") == 20
            else:
                assert (found, files(store)) == (before, [])
                assert rows(store, "sampling_decisions") == rows(store, "sampled_out") == 0


def _forget_until(path, step):
    def progress(name):
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    store = open_store(path, clock_ns=Clock(T0 + 25 * HOUR))
    settings = SealingSettings(retention=SealedRetention(age_s=24 * 3600))
    Sealer(store, settings, progress=progress).run_once()


def test_kill_9_while_forgetting_leaves_an_orphan_that_goes_at_the_next_start(tmp_path, clock):
    path = tmp_path / "mesh.duckdb"
    with open_store(path, clock_ns=clock) as store:
        put_names(store)
        put_spans(store, [span(1)])
        seal(store)
    child = CHILDREN.Process(target=_forget_until, args=(path, "forgotten"))
    child.start()
    child.join()
    with open_store(path, clock_ns=clock) as store:
        assert len(files(store)) == 1
        assert every_span(store) == []
        Sealer(store).close()
        assert files(store) == []
