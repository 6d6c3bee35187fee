"""A bad setting is one line that names the flag, the variable and the way out."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from collector.otlp.cardinality import CardinalityLimits
from dashboards.settings import BadSetting, ServerSettings, server_settings


def test_without_flags_everything_listens_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WEB", "OTLP_GRPC", "OTLP_HTTP", "STORE", "ALLOW_REMOTE"):
        monkeypatch.delenv(f"MESHSCOPE_{name}", raising=False)
    settings = server_settings(web=None)
    assert (settings.web, settings.otlp_grpc, settings.otlp_http) == (
        "127.0.0.1:8428",
        "127.0.0.1:4317",
        "127.0.0.1:4318",
    )


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESHSCOPE_WEB", "127.0.0.1:1111")
    assert server_settings(web=None).web == "127.0.0.1:1111"
    assert server_settings(web="127.0.0.1:2222").web == "127.0.0.1:2222"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"web": "8428"}, r"--web \(or MESHSCOPE_WEB\): must be host:port"),
        ({"otlp_grpc": "127.0.0.1:99999"}, r"--otlp-grpc \(or MESHSCOPE_OTLP_GRPC\)"),
        ({"max_body_bytes": 1}, r"--max-body-bytes \(or MESHSCOPE_MAX_BODY_BYTES\)"),
        ({"web": "0.0.0.0:8428"}, r"--web 0\.0\.0\.0 can be reached .* --allow-remote"),
        ({"web": "0.0.0.0:8428"}, r"MESHSCOPE_WEB_TOKEN or --web-token-file .* may change"),
        ({"web": "[::]:8428"}, r"MESHSCOPE_WEB_VIEWER_TOKEN or --web-viewer-token-file"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(flags: dict[str, object], said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        server_settings(**flags)


def test_listening_beyond_the_machine_is_possible_when_said() -> None:
    assert server_settings(web="0.0.0.0:8428", allow_remote=True).web == "0.0.0.0:8428"


@pytest.mark.parametrize(
    "asked",
    [{"web_token": "0123456789abcdef"}, {"web_token_file": "a"}, {"web_viewer_token_file": "a"}],
)
def test_the_web_port_may_be_reached_when_it_asks_for_tokens(asked: dict[str, object]) -> None:
    assert server_settings(web="0.0.0.0:8428", **asked).web_asks_for_tokens


def test_sizes_may_have_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESHSCOPE_STORE_MAX", "20GiB")
    monkeypatch.setenv("MESHSCOPE_STORE_MEMORY", "512MB")
    settings = server_settings()
    assert (settings.store_max, settings.store_memory) == (20 * 2**30, 512 * 10**6)


def test_every_setting_has_a_row_in_its_page_and_the_rows_are_sorted() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text("utf-8")
    rows = re.findall(r"^\|[^|]*\| `MESHSCOPE_(\w+)` \|", page, re.MULTILINE)
    assert rows == sorted(name.upper() for name in ServerSettings.model_fields)


def test_certificates_and_tokens_let_telemetry_come_from_other_machines() -> None:
    tls = {"otlp_tls_cert": "a.crt", "otlp_tls_key": "a.key"}
    for asked in ({"otlp_client_ca": "ca.pem"}, {"otlp_token": "0123456789abcdef"}):
        assert server_settings(otlp_grpc="0.0.0.0:4317", **tls, **asked).otlp_grpc
        with pytest.raises(BadSetting, match=r"--web 0\.0\.0\.0 can be reached"):
            server_settings(web="0.0.0.0:8428", **tls, **asked)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"otlp_tls_cert": "a.crt"}, "--otlp-tls-cert and --otlp-tls-key go together"),
        ({"web_tls_key": "a.key"}, "--web-tls-cert and --web-tls-key go together"),
        ({"web_token": "short"}, r"--web-token \(or MESHSCOPE_WEB_TOKEN\)"),
        ({"otlp_client_ca": "ca.pem"}, "--otlp-client-ca needs --otlp-tls-cert"),
        ({"otlp_token": "short"}, r"--otlp-token \(or MESHSCOPE_OTLP_TOKEN\)"),
        ({"otlp_http": "0.0.0.0:1", "otlp_token": "0123456789abcdef"}, "or ask who they are by"),
    ],
)
def test_half_credentials_are_refused_and_never_repeated(
    flags: dict[str, object], said: str
) -> None:
    with pytest.raises(BadSetting, match=said) as caught:
        server_settings(**flags)
    assert "0123456789abcdef" not in str(caught.value)
    assert "'short'" not in str(caught.value)


def test_the_limits_of_cardinality_are_those_of_the_collector_unless_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [field.name for field in fields(CardinalityLimits)]
    for name in names:
        monkeypatch.delenv(f"MESHSCOPE_{name.upper()}", raising=False)
        assert getattr(server_settings(), name) == getattr(CardinalityLimits(), name)
        with pytest.raises(BadSetting, match=f"--{name.replace('_', '-')}"):
            server_settings(**{name: 0})
