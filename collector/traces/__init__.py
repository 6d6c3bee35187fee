"""Traces for people: ``trace`` (its spans), ``tree``, ``clockskew``, ``critical_path``, and finding
them: ``query`` (what is asked), ``traceql`` (asked in text), ``evaluate``, ``search``.

Values in, values out; only ``search`` asks the store.
"""
