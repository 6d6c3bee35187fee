"""SIGTERM and SIGINT as an event: a process of the shop ends cleanly or is killed."""

import asyncio
import signal


def stop_requested() -> asyncio.Event:
    """Return an event that is set when this process is asked to end. Call it inside the loop."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, event.set)
    return event
