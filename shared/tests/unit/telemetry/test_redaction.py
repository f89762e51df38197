import json
import time

import pytest
from pydantic import SecretStr

from modelpick_shared.settings import SettingsGroup
from modelpick_shared.telemetry import learn_secrets, redact
from modelpick_shared.telemetry.redaction import redact_json


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
        (
            'DETAIL:  Failing row contains (1, {"total": "12"}).\nCONTEXT: x',
            "DETAIL: [redacted]\nCONTEXT: x",
        ),
        ("postgresql://user:p@ss@db/shop", "postgresql://[redacted]@db/shop"),
        ("amqps://user:p%40ss@one,amqps://user:p2@two", "amqps://[redacted]@one,amqps://[redacted]@two"),
        ("host=db password=ab/c9 user=shop", "host=db password=[redacted] user=shop"),
        ("host=db password='ab' user=shop", "host=db password='[redacted]' user=shop"),
        ("GET /v1?api_key=abc&page=2", "GET /v1?api_key=[redacted]&page=2"),
        ("GET /a.png?sv=1&sig=ab/c%3D&se=2", "GET /a.png?sv=1&sig=[redacted]&se=2"),
        (
            "/a.png?AWSAccessKeyId=me&Signature=ab%2Fc&Expires=1",
            "/a.png?AWSAccessKeyId=me&Signature=[redacted]&Expires=1",
        ),
        (
            "?X-Goog-Credential=a%2Fb&X-Goog-Signature=12",
            "?X-Goog-Credential=[redacted]&X-Goog-Signature=[redacted]",
        ),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [redacted]"),
        ("Proxy-Authorization: Basic dXNlcjpwYXNz", "Proxy-Authorization: Basic [redacted]"),
        ("X-Api-Key: abcdefgh", "X-Api-Key: [redacted]"),
        ("Cookie: a=b; modelpick_session=c; d=e", "Cookie: [redacted]"),
        ("{'Authorization': 'Key abc', 'Accept': '*'}", "{'Authorization': '[redacted]', 'Accept': '*'}"),
        ("Bearer abcd/efgh+ij== was refused", "Bearer [redacted] was refused"),
        ("key sk-proj-0123456789abcdefghij refused", "key [redacted] refused"),
        ("data:image/png;base64,iVBO/Rw0+KGgo= is no image", "data:image/png;base64,[redacted] is no image"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text, expected):
    assert redact(text) == expected


def test_a_quoted_row_is_taken_out_of_a_json_line_to_its_end():
    line = json.dumps({"error": 'broken\nDETAIL: Key ("email")=(ada) exists.\n[SQL]', "event": "failed"})

    assert json.loads(redact_json(line)) == {"error": "broken\nDETAIL: [redacted]\n[SQL]", "event": "failed"}


def test_json_within_json_stays_json():
    line = json.dumps({"answer": json.dumps({"api_key": "a-b c", "model": "m"}), "event": "failed"})

    told = json.loads(redact_json(line))

    assert told["event"] == "failed"
    assert json.loads(told["answer"]) == {"api_key": "[redacted]", "model": "m"}


@pytest.mark.parametrize(
    "text",
    [
        "Basic authentication failed: basic information is missing",
        "GET /report/0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000 and its attempt_token=7",
        "missing cookie: sign in first; the bearer is unknown",
        "re_3PqXyzAbCdEf was refunded with max_tokens=5",
        "see http://host:80/ and write to ada@example.com",
        "risk-based-approach-of-the-customer",
    ],
)
def test_what_only_resembles_a_secret_stays(text):
    assert redact(text) == text


@pytest.mark.parametrize("work", [redact, redact_json])
def test_no_text_takes_long_however_it_was_made(work):
    """Each takes some hundredths of a second; were twice the text four times the work, it would be hours."""
    pieces = [
        "a",
        "a-",
        "?",
        "\\",
        "://",
        "://a:b",
        "DETAIL: ",
        "/report/",
        "secret",
        "sk-",
        "bearer ",
        "basic ",
    ]
    pieces += ["secret='", 'secret": "', "authorization: ", "cookie: a", "?token", "&a-signature"]
    texts = [piece * (100_000 // len(piece)) for piece in pieces]
    beginnings = [
        "?",
        "&a-",
        "cookie: ",
        "DETAIL: ",
        "data:image/",
        "basic ",
        "authorization: ",
        "sk-",
        "secret=",
    ]
    texts += [f"{beginning}{'a' * 100_000}" for beginning in beginnings]
    texts += ["://a:" + "b@" * 50_000, "://" + ":" * 100_000, "bearer" + " " * 100_000]
    texts += ["DETAIL: " + "\\" * 100_000, "&" + "a-signature" * 9_000]
    started = time.process_time()

    for text in texts:
        work(text)

    assert time.process_time() - started < 60
