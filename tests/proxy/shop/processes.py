"""Starts the shop's own processes, waits for their ``ready`` line and ends those it started."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from proxy.shop import ledger
from proxy.shop.ledger import Ledger


@dataclass
class Running:
    process: Process
    ledger_path: Path
    url: str

    async def stop(self) -> Ledger:
        """SIGTERM, wait for a clean end, return the ledger it left."""
        if self.process.returncode is None:
            self.process.terminate()
        assert await self.process.wait() == 0
        return ledger.load(self.ledger_path)


@contextlib.asynccontextmanager
async def workload(
    service: str, *, outbound: str, path: Path, version: str = "v1", more: tuple[str, ...] = ()
) -> AsyncIterator[Running]:
    ledger_path = path / f"{service}-{version}.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy.shop.workload"),
        *("--service", service, "--version", version, "--listen", "127.0.0.1:0"),
        *("--outbound", outbound, "--ledger", str(ledger_path), *more),
        stdout=PIPE,
    )
    try:
        assert process.stdout is not None
        word, name, url = (await process.stdout.readline()).decode().split()
        assert (word, name) == ("ready", f"{service}-{version}")
        yield Running(process, ledger_path, url)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
