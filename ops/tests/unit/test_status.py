import json

from typer.testing import CliRunner

from modelpick_ops.main import app


def test_without_a_running_system_it_says_so_and_fails(monkeypatch, tmp_path):
    monkeypatch.setenv("MODELPICK_HOME", str(tmp_path))

    answer = CliRunner().invoke(app, ["status", "--json"])

    assert answer.exit_code == 1
    assert json.loads(answer.stdout) == {"items": []}
    assert "not running" in answer.stderr


def test_a_wrong_word_is_a_usage_error(tmp_path):
    assert CliRunner().invoke(app, ["stauts"]).exit_code == 2
