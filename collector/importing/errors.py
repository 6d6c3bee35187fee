"""Why an import cannot go on, with what its user can do about it."""


class ImportFailed(Exception):
    """Base of them; the text is for the user."""


class UsedWrongly(ImportFailed):
    """An option has a value that cannot be, or does not fit the others."""


class Unreachable(ImportFailed):
    """The source or the target does not answer, or not as such a server does."""


class TooMuch(ImportFailed):
    """The source refuses a query because it is too large; a smaller piece may do."""


class NothingFound(ImportFailed):
    """The source has no series that match."""
