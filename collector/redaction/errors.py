"""What is wrong with a redaction policy."""


class BadPolicy(ValueError):
    """The policy cannot be used; the text names the file, the line and the path of the mistake."""
