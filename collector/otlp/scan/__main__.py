"""Compile the scanner, so that nobody waits for it later: ``python -m collector.otlp.scan``."""

from collector.otlp.scan.engine import load

load()
