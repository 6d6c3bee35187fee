"""Why a query has no answer: named as the ``errorType`` of Prometheus's API."""

from typing import ClassVar


class QueryError(Exception):
    """``kind`` is the errorType."""

    kind: ClassVar[str] = "execution"


class BadQuery(QueryError):
    """The text is no PromQL, or its types do not fit; says where."""

    kind = "bad_data"


class ExecutionFailed(QueryError):
    """The text is right, the data do not allow it: many-to-many matches, too many samples."""


class QueryTimedOut(QueryError):
    """It took longer than it may."""

    kind = "timeout"


class QueryCanceled(QueryError):
    """Whoever asked has left."""

    kind = "canceled"
