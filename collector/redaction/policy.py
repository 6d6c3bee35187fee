"""What is masked, and how: a value that the composition root makes once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from collector.redaction.keys import DENY
from collector.redaction.patterns import PARAMETERS


@dataclass(frozen=True, slots=True)
class Policy:
    """The default masks everything that is known to be a secret, and keeps the rest.

    ``deny`` and ``allow`` are globs of attribute keys; ``allow`` None means that what is not denied
    stays. ``off`` names the kinds of patterns that are not looked for. With a ``salt`` a mask has a
    hash, so that equal secrets have equal masks.
    """

    deny: tuple[str, ...] = DENY
    allow: tuple[str, ...] | None = None
    off: frozenset[str] = frozenset()
    patterns: Mapping[str, str] = field(default_factory=dict)
    parameters: tuple[str, ...] = PARAMETERS
    salt: str | None = field(default=None, repr=False)
