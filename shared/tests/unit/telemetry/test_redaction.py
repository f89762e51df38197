import json

import pytest
from pydantic import SecretStr

from modelpick_shared.settings import SettingsGroup
from modelpick_shared.telemetry import learn_secrets, redact


class Secrets(SettingsGroup):
    database_url: SecretStr = SecretStr("postgresql://modelpick:pass%2Fword1@db/modelpick")
    webhook_secrets: SecretStr = SecretStr("whsec_first, second-secret")
    headers: SecretStr = SecretStr("x-api-key=abcdefgh1234")
    odd: SecretStr = SecretStr('quo"te\\d-secret')
    short: SecretStr = SecretStr("guest")
    absent: SecretStr | None = None
    public: str = "https://site.example"


class Nothing(SettingsGroup):
    pass


@pytest.fixture
def _known():
    learn_secrets(Secrets())
    yield
    learn_secrets(Nothing())


@pytest.mark.usefixtures("_known")
@pytest.mark.parametrize(
    "secret",
    [
        "postgresql://modelpick:pass%2Fword1@db/modelpick",
        "pass%2Fword1",
        "pass/word1",
        "second-secret",
        "abcdefgh1234",
        'quo"te\\d-secret',
    ],
)
def test_what_the_settings_keep_secret_is_not_written_in_any_form(secret):
    assert redact(f"it said {secret}!") == "it said [redacted]!"
    assert secret not in json.loads(redact(json.dumps({"error": f"it said {secret}!"})))["error"]


@pytest.mark.usefixtures("_known")
def test_what_is_no_secret_stays():
    line = "guest reads https://site.example/report/new and /api/share as modelpick"

    assert redact(line) == line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amqp://user:word@host:5672/v", "amqp://[redacted]@host:5672/v"),
        ("Authorization: Bearer abcdef.ghijkl", "Authorization: Bearer [redacted]"),
        ("key sk_live_0123456789abc refused", "key [redacted] refused"),
        (
            "GET /a.png?X-Amz-Date=1&X-Amz-Signature=ab12 ok",
            "GET /a.png?X-Amz-Date=1&X-Amz-Signature=[redacted] ok",
        ),
        ("/auth/verify?token=abc-_1 used", "/auth/verify?token=[redacted] used"),
        ("cookie modelpick_session=abc; path=/", "cookie modelpick_session=[redacted]; path=/"),
        (f"GET /api/share/{'a' * 43}/runs/1", "GET /api/share/[redacted]/runs/1"),
        ("data:image/png;base64,iVBORw0KGgo= is no image", "data:image/png;base64,[redacted] is no image"),
        (
            "broken\nDETAIL: Failing row contains (a, b).\nCONTEXT: x",
            "broken\nDETAIL: [redacted]\nCONTEXT: x",
        ),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text, expected):
    assert redact(text) == expected


def test_a_quoted_row_is_taken_out_of_a_json_line_to_its_end():
    line = json.dumps({"error": 'broken\nDETAIL: Key ("email")=(ada) exists.\n[SQL]', "event": "failed"})

    assert json.loads(redact(line)) == {"error": "broken\nDETAIL: [redacted]\n[SQL]", "event": "failed"}
