from pathlib import Path

import pytest
from typer.testing import CliRunner

from alerts.cli import app

SHOP = str(Path(__file__).parents[2] / "slo/objectives/shop.yaml")


@pytest.fixture
def generate(tmp_path):
    def run(*arguments, slo=SHOP):
        out = str(tmp_path / "rules.yaml")
        return CliRunner().invoke(app, ["generate", "--slo", slo, "--out", out, *arguments])

    return run


def test_generate_writes_the_rules_and_their_tests(generate, tmp_path):
    assert generate().exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "mesh.test.yaml",
        "mesh.yaml",
        "rules.test.yaml",
        "rules.yaml",
    ]
    assert "alert: ErrorBudgetBurn" in (tmp_path / "rules.yaml").read_text()


def test_check_is_quiet_when_nothing_drifted_and_shows_a_diff_when_it_did(generate, tmp_path):
    generate()
    assert generate("--check").exit_code == 0
    rules = tmp_path / "rules.yaml"
    rules.write_text(rules.read_text().replace(">= 10", ">= 1"))
    drifted = generate("--check")
    assert drifted.exit_code == 1
    assert "+          slo:bad_events:increase" in drifted.output
    assert ">= 1\n" in rules.read_text(), "--check must not write"


def test_check_of_files_that_were_never_generated_fails(generate, tmp_path):
    assert generate("--check").exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_wrong_objectives_are_told_and_nothing_is_written(generate, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("apiVersion: openslo/v1\nkind: SLO\n")
    result = generate(slo=str(wrong))
    assert result.exit_code == 1
    assert f"{wrong}:1: metadata is required" in result.output
    assert not (tmp_path / "rules.yaml").exists()


def test_the_address_of_the_dashboard_and_the_guard_are_options(generate, tmp_path):
    generate("--base-url", "https://mesh.example/", "--min-bad-events", "3")
    text = (tmp_path / "rules.yaml").read_text()
    assert "dashboard_url: https://mesh.example/slos/cart-availability" in text
    assert ">= 3\n" in text


def test_another_profile_is_told_in_the_header_and_one_that_is_none_is_refused(generate, tmp_path):
    assert generate("--profile", "three_x_30d").exit_code == 0
    text = (tmp_path / "rules.yaml").read_text()
    assert "--profile three_x_30d`" in text.partition("\n")[0]
    assert "factor: '3'" in text
    assert "factor: '14.4'" not in text
    refused = generate("--profile", "four_x")
    assert refused.exit_code == 2
    assert "--profile: four_x is none of google_30d, three_x_30d" in refused.output


def test_a_rule_file_may_not_have_the_name_of_the_mesh_s(tmp_path):
    out = str(tmp_path / "mesh.yaml")
    refused = CliRunner().invoke(app, ["generate", "--slo", SHOP, "--out", out])
    assert refused.exit_code == 2
    assert "mesh.yaml is the file of the mesh's own alerts" in refused.output
