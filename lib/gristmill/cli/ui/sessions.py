"""Who may change something: whoever has given the token, by a cookie and a word in each form.

https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import secrets
import time
from dataclasses import dataclass

_LASTS = 12 * 3600.0
_MOST = 100
COOKIE = "gristmill"


@dataclass(frozen=True)
class Session:
    """Somebody who has signed in: what the cookie holds, and what a form must repeat."""

    id: str
    form: str
    until: float


class Sessions:
    """Those who have signed in, in memory: a restart signs all out. Without a token nobody can."""

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._open: dict[str, Session] = {}

    @property
    def is_possible(self) -> bool:
        """Whether anybody can sign in."""
        return bool(self._token)

    def sign_in(self, token: str) -> Session | None:
        """Begin a session; None where the token is wrong."""
        if not self._token or not secrets.compare_digest(token.encode(), self._token.encode()):
            return None
        now = time.monotonic()
        self._open = {key: one for key, one in self._open.items() if one.until > now}
        while len(self._open) >= _MOST:
            del self._open[next(iter(self._open))]
        made = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32), now + _LASTS)
        self._open[made.id] = made
        return made

    def find(self, cookie: str | None) -> Session | None:
        """The session of a cookie; None where there is none (any more)."""
        found = self._open.get(cookie or "")
        return found if found is not None and found.until > time.monotonic() else None

    def may(self, cookie: str | None, form: str) -> bool:
        """Whether a form of this session was sent, not one that another site made."""
        found = self.find(cookie)
        return found is not None and secrets.compare_digest(form.encode(), found.form.encode())

    def sign_out(self, cookie: str | None) -> None:
        """End a session."""
        self._open.pop(cookie or "", None)
