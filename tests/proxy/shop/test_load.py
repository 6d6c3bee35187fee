"""The load generator sends what is due, waits for every answer, and says what it did not send."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE

import pytest

from proxy.shop.journeys import arrivals
from proxy.shop.ledger import Exchange, Ledger, load
from proxy.shop.load import LoadSettings, parse_settings, run_load, summary
from tests.proxy.shop.sidecar import sidecar


def test_every_arrival_is_sent_answered_and_recorded_though_answers_are_slow():
    async def run():
        async with sidecar(delay_s=0.3, gateway=200) as router:
            ledger = await run_load(LoadSettings(router.url, 100, 0.5, seed=3))
        return ledger, router.hosts

    ledger, hosts = asyncio.run(run())
    due = list(arrivals(rate_rps=100, duration_s=0.5, seed=3))
    assert ledger.total == len(due) == hosts["gateway"]
    assert {e.status for e in ledger.counts} == {200}
    assert ledger.is_final
    assert ledger.not_sent == 0


def test_arrivals_are_not_sent_while_too_many_are_in_flight():
    async def run():
        async with sidecar(delay_s=1.0, gateway=200) as router:
            settings = LoadSettings(router.url, 200, 0.4, seed=3, max_in_flight=5)
            return await run_load(settings)

    ledger = asyncio.run(run())
    assert ledger.total == 5
    assert ledger.not_sent == len(list(arrivals(rate_rps=200, duration_s=0.4, seed=3))) - 5


def test_a_stopped_run_awaits_the_answers_to_what_it_sent():
    async def run():
        stop = asyncio.Event()
        async with sidecar(delay_s=0.2, gateway=200) as router:
            asyncio.get_running_loop().call_later(0.3, stop.set)
            ledger = await run_load(LoadSettings(router.url, 100), stop=stop)
        return ledger, router.hosts

    ledger, hosts = asyncio.run(run())
    assert ledger.total == hosts["gateway"] > 5
    assert {e.status for e in ledger.counts} == {200}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_program_cleanly_with_its_ledger(tmp_path, number):
    async def run():
        path = tmp_path / "load.json"
        async with sidecar(delay_s=0.2, gateway=503) as router:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "proxy.shop.load", "--target", router.url),
                *("--rate", "50", "--ledger", str(path)),
                stdout=PIPE,
            )
            await router.was_called.wait()
            await asyncio.sleep(0.1)
            process.send_signal(number)
            output, _ = await process.communicate()
        return process.returncode, json.loads(output), load(path), router.hosts["gateway"]

    code, said, ledger, received = asyncio.run(run())
    assert code == 0
    assert ledger.is_final
    assert ledger.total == received
    assert said == {"requests": received, "errors": received, "not_sent": 0}


def test_errors_are_5xx_and_no_response():
    statuses = {200: 5, 404: 4, 499: 3, 500: 2, 503: 1, 0: 7}
    counts = {Exchange("external", "gateway", "home", s): n for s, n in statuses.items()}
    assert summary(Ledger(counts, not_sent=9)) == {"requests": 22, "errors": 10, "not_sent": 9}


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "fast"])
def test_a_rate_must_be_a_positive_number(rate, capsys):
    with pytest.raises(SystemExit):
        parse_settings(["--target", "http://127.0.0.1:1", "--ledger", "x", "--rate", rate])
    assert "--rate" in capsys.readouterr().err
