"""Silences of an Alertmanager around planned changes.

``silences`` the client of its API; ``holding`` one that lasts as long as a block does; ``cli`` the
commands of ``meshscope alerts`` for both.
"""
