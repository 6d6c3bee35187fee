"""The functions of PromQL by what they are about: ``vectors`` and ``scalars`` find them by name.

https://prometheus.io/docs/prometheus/latest/querying/functions/
"""

from collector.promql.functions.table import scalars, vectors

__all__ = ["scalars", "vectors"]
