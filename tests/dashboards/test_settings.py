"""A bad setting is one line that names the flag, the variable and the way out."""

import pytest

from dashboards.settings import BadSetting, server_settings


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
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(flags: dict[str, object], said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        server_settings(**flags)


def test_listening_beyond_the_machine_is_possible_when_said() -> None:
    assert server_settings(web="0.0.0.0:8428", allow_remote=True).web == "0.0.0.0:8428"
