"""Whom Alertmanager tells: a configuration generated from contacts and the teams of objectives.

Map: ``contacts`` the nouns; ``reading`` them from YAML; ``receivers`` ways to people as they are
written; ``config`` routes, inhibitions and intervals put together.
"""
