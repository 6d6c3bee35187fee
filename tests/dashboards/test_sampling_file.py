"""A sampling policy is read from YAML, or refused by file, line and field."""

from pathlib import Path

import pytest

from collector.sampling import InvalidPolicy, SamplingPolicy
from dashboards.sampling_file import load_policy


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sampling.yaml"
    path.write_text(text)
    return path


def test_a_policy_takes_the_defaults_of_what_it_does_not_say(tmp_path: Path) -> None:
    path = written(tmp_path, "critical_services: [payments]\nbaseline_ratio: 0.01\n")
    assert load_policy(path) == SamplingPolicy(
        critical_services=frozenset({"payments"}), baseline_ratio=0.01
    )


def test_an_empty_file_is_the_default_policy(tmp_path: Path) -> None:
    assert load_policy(written(tmp_path, "# nothing yet\n")) == SamplingPolicy()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("keep_errors: true\nbase_line: 1\n", r"sampling.yaml:2: base_line: is no field"),
        ("\nbaseline_ratio: much\n", r"sampling.yaml:2: baseline_ratio: .*number"),
        ("baseline_ratio: 2\n", r"sampling.yaml:1: .*must be in 0..1, got 2"),
        ("- a\n", r"sampling.yaml:1: must be a YAML mapping"),
        ("a: [\n", r"sampling.yaml:\d: "),
    ],
)
def test_a_mistake_is_named_by_file_line_and_field(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidPolicy, match=said):
        load_policy(written(tmp_path, text))
