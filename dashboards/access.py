"""Settings -> who is let in, on each port: files and tokens become what asks for them.

Raises BadCredentialFile for a file that cannot be used. Never asks anybody itself.
"""

from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from collector.receiver.access import Access
from collector.receiver.tls import TlsFiles
from collector.receiver.tokens import Tokens
from dashboards.settings import ServerSettings
from dashboards.web.access.caller import NO_TOKENS, WebAccess


def otlp_access(settings: ServerSettings) -> Access:
    """Return who may send OTLP."""
    tls = _tls(settings.otlp_tls_cert, settings.otlp_tls_key, settings.otlp_client_ca)
    return Access(tls, _tokens(settings.otlp_token, settings.otlp_token_file))


def write_access(settings: ServerSettings) -> Access:
    """Return who may send samples to the web port: who may send OTLP, and who may change there."""
    return _with_admins(settings, _tokens(settings.otlp_token, settings.otlp_token_file))


def webhook_access(settings: ServerSettings) -> Access:
    """Return who may tell of alerts: the Alertmanager with the webhook's token, and admins."""
    return _with_admins(settings, _tokens(settings.webhook_token, settings.webhook_token_file))


def web_access(settings: ServerSettings, clock_s: Callable[[], float]) -> WebAccess:
    """Return who may look at the web port, and who may change."""
    return WebAccess(
        _tokens(settings.web_token, settings.web_token_file),
        _tokens(settings.web_viewer_token, settings.web_viewer_token_file),
        clock_s=clock_s,
        external_url=settings.external_url,
    )


def web_tls(settings: ServerSettings) -> TlsFiles | None:
    """Return the certificate of the web port, if it has one."""
    return _tls(settings.web_tls_cert, settings.web_tls_key)


def _with_admins(settings: ServerSettings, own: Tokens | None) -> Access:
    """Let in who has a token of its own, and admins; everybody where nothing asks for tokens."""
    if own is None and not settings.web_asks_for_tokens:
        return Access()
    admins = _tokens(settings.web_token, settings.web_token_file) or NO_TOKENS
    return Access(tokens=(own or NO_TOKENS) | admins)


def _tls(certificate: Path | None, key: Path | None, ca: Path | None = None) -> TlsFiles | None:
    return TlsFiles(certificate, key, ca) if certificate and key else None


def _tokens(given: SecretStr | None, path: Path | None) -> Tokens | None:
    if given is None and path is None:
        return None
    return Tokens.of(*((given.get_secret_value(),) if given else ()), path=path)
