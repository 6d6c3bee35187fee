"""A PromQL text as it is usually laid out, by the library that ``parser`` reads it with.

Never changes what a text means. https://prometheus.io/docs/prometheus/latest/querying/api/#formatting-query-expressions
"""

import promql_parser as library

from collector.promql.parser import parse


def formatted(text: str) -> str:
    """Return the text laid out; BadQuery when it is no PromQL."""
    parse(text)
    return str(library.parse(text).prettify())
