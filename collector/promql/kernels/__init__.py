"""The loops of the engine in machine code: ``windows`` over samples, ``groups`` over series.

Compiled at first use and kept beside the sources, or in the user's cache when that is read-only.
"""
