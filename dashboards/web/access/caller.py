"""A request's credentials -> who asks: a browser's session, or a token in the header.

Without tokens nobody is asked, and everybody is an admin: the settings see to it that this is only
the machine itself, or what a proxy lets through. Never answers a request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collector.receiver.tokens import Tokens, digest, shown_token
from collector.telemetry import Counter
from dashboards.web.access.roles import Role
from dashboards.web.access.sessions import Sessions
from dashboards.web.access.tries import Tries

NO_TOKENS: Final = Tokens(())


class Unknown(Exception):
    """Nobody that we know. ``is_wrong``: there was a token, but none of ours."""

    def __init__(self, *, is_wrong: bool) -> None:
        self.is_wrong = is_wrong
        super().__init__("that is no token of this server" if is_wrong else "a token is required")


class TooManyTries(Exception):
    """The address has shown too many wrong tokens."""

    def __init__(self, wait_s: int) -> None:
        self.wait_s = wait_s
        super().__init__(f"too many wrong tokens came from your address; wait {wait_s} s")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and whether by a session."""

    role: Role
    has_session: bool = False


ANYBODY: Final = Caller(Role.ADMIN)


class WebAccess:
    """Who is let in, and what was refused, by reason."""

    def __init__(
        self,
        admins: Tokens | None = None,
        viewers: Tokens | None = None,
        *,
        clock_s: Callable[[], float],
        external_url: str | None = None,
    ) -> None:
        self.asks = admins is not None or viewers is not None
        self.external_url = external_url
        self.refused = Counter()
        self._tokens = {Role.ADMIN: admins or NO_TOKENS, Role.VIEWER: viewers or NO_TOKENS}
        self._sessions, self._tries = Sessions(clock_s), Tries(clock_s)

    def caller(self, authorization: str | None, cookie: str | None, address: str) -> Caller:
        """Return who asks; raise Unknown or TooManyTries.

        A session comes first: a proxy in front may have a password of its own in the header.
        """
        if not self.asks:
            return ANYBODY
        if cookie is not None:
            for role, tokens in self._tokens.items():
                if self._sessions.holder(cookie, tokens.digests()) is not None:
                    return Caller(role, has_session=True)
        token = shown_token(authorization)
        if token is None:
            raise Unknown(is_wrong=False)
        return Caller(self._role(token, address))

    def log_in(self, token: str, address: str) -> str:
        """Return the cookie of a new session; raise Unknown or TooManyTries."""
        self._role(token, address)
        return self._sessions.begin(digest(token))

    def log_out(self, cookie: str) -> None:
        """End a session."""
        known = [one for tokens in self._tokens.values() for one in tokens.digests()]
        self._sessions.end(cookie, known)

    def _role(self, token: str, address: str) -> Role:
        wait_s = self._tries.wait_s(address)
        if wait_s:
            raise TooManyTries(wait_s)
        found = [role for role, tokens in self._tokens.items() if tokens.has(token)]
        if not found:
            self._tries.failed(address, digest(token))
            raise Unknown(is_wrong=True)
        return found[0]
