"""What a sender did wrong."""


class MalformedPayload(ValueError):
    """The body is not an OTLP request: the sender must not send it again."""


def why(error: BaseException) -> str:
    """Return the first line of an error, short enough for a status message."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
