"""The collector's part of the server, in a process of its own to be killed: prints its port.

Checkpoints, housekeeping and sorting come many times a second, so that kills meet them.
"""

import signal
import sys
from pathlib import Path

from collector.receiver.grpc import start_grpc
from collector.store.checkpoint import CheckpointPolicy
from collector.store.sorting import SortingSettings, sorting
from collector.store.store import open_store
from collector.store.writer import Writer, WriterLimits

LIMITS = WriterLimits(
    window_s=0.005,
    compact_every_s=0.5,
    checkpoint=CheckpointPolicy(wal_bytes=100_000, look_every_s=0.01),
)

SORTING = SortingSettings(grace_s=0, every_s=0.02, stretch_rows=8, slice_rows=4, rests=1.0)

if __name__ == "__main__":
    with open_store(Path(sys.argv[1])) as store:
        writer = Writer(store, limits=LIMITS)
        receiver = start_grpc(writer, port=0)
        with sorting(store, writer.between, SORTING):
            print(receiver.port, flush=True)
            signal.pause()
