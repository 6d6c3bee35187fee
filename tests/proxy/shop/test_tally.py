"""A tally's file follows it while the process runs."""

import asyncio

import pytest

from proxy.shop import tally as tally_module
from proxy.shop.ledger import Exchange, load
from proxy.shop.tally import Tally, saved_regularly

CHARGE = Exchange("checkout", "payments", "charge", 201)


def test_the_file_exists_from_the_start_and_follows_within_a_second(tmp_path):
    async def run():
        tally, path = Tally(), tmp_path / "ledger.json"
        async with saved_regularly(tally, path):
            assert load(path).total == 0
            tally.record(CHARGE)
            tally.record(CHARGE)
            tally.skip()
            await asyncio.sleep(tally_module.SAVE_EVERY_S * 1.3)
            seen = load(path)
        assert seen.counts == {CHARGE: 2}
        assert (seen.not_sent, seen.is_final) == (1, False)

    asyncio.run(run())


def test_a_ledger_taken_from_a_tally_does_not_change():
    tally = Tally()
    tally.record(CHARGE)
    before = tally.ledger(is_final=True)
    tally.record(CHARGE)
    assert before.counts == {CHARGE: 1}
    assert tally.ledger(is_final=True).counts == {CHARGE: 2}


def test_a_file_that_cannot_be_written_is_an_error_at_once(tmp_path):
    async def run():
        async with saved_regularly(Tally(), tmp_path / "missing" / "ledger.json"):
            pass

    with pytest.raises(FileNotFoundError):
        asyncio.run(run())
