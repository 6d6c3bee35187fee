"""Specs of other tools to OpenSLO, and what of them could not be carried over, with its line.

``sloth`` reads Sloth's prometheus/v1 and PrometheusServiceLevel, ``pyrra`` ServiceLevelObjective.
``specs`` tells them apart; ``windowed`` takes the window out of a query. ``cli``: slo import.
Never reads a file but in ``cli``, never guesses what a plugin does.
"""
