"""Tokens against keys that a provider on loopback publishes."""

import asyncio
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from modelpick_shared.http import Problem
from modelpick_shared.http.bearer import BearerTokens, bearer_tokens
from modelpick_shared.http.signing_keys import IdentityProviderError, SigningKeys
from modelpick_shared.settings import IdentityProviderSettings
from modelpick_shared.testing.identity_provider import (
    AUDIENCE,
    ISSUER,
    IdentityProvider,
    good_claims,
    unsigned,
)

pytestmark = pytest.mark.connected


class Clock:
    """Says what it is told."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def provider():
    provider = IdentityProvider()
    with provider.serving():
        yield provider


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tokens(provider, clock):
    return BearerTokens(SigningKeys(provider.url, clock=clock), issuer=ISSUER, audience=AUDIENCE)


async def refusal_of(tokens, token):
    with pytest.raises(Problem) as refused:
        await tokens.email_of(token)
    assert refused.value.status == 401
    assert refused.value.headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return refused.value.detail


async def test_a_good_token_tells_the_address_and_the_keys_are_fetched_once(tokens, provider):
    assert await tokens.email_of(provider.token()) == "ada@example.com"
    together = [tokens.email_of(provider.token(email=" Ada@Example.COM ")) for _ in range(20)]
    assert set(await asyncio.gather(*together)) == {"ada@example.com"}
    assert provider.fetches == 1


async def test_many_first_tokens_at_once_fetch_the_keys_once(tokens, provider):
    await asyncio.gather(*(tokens.email_of(provider.token()) for _ in range(20)))
    assert provider.fetches == 1


async def test_keys_of_rsa_are_as_good(tokens, provider, rsa_key):
    provider.rotate(rsa_key)
    assert await tokens.email_of(provider.token()) == "ada@example.com"


async def test_an_audience_among_several_is_enough(tokens, provider):
    assert await tokens.email_of(provider.token(aud=["account", AUDIENCE])) == "ada@example.com"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "somebody-else"},
        {"aud": None},
        {"aud": []},
        {"iss": "https://identity.test"},
        {"iss": "https://evil.test/"},
        {"iss": None},
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": int(time.time()) + 3600},
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_claim_is_refused(tokens, provider, claims):
    assert await refusal_of(tokens, provider.token(**claims)) == "This token is not accepted."


@pytest.mark.parametrize("email_verified", [False, None, "false", 0, [], {}], ids=repr)
async def test_an_address_that_is_not_verified_is_refused(tokens, provider, email_verified):
    detail = await refusal_of(tokens, provider.token(email_verified=email_verified))
    assert detail == "The e-mail address of this token is not verified."


async def test_a_provider_may_be_known_to_verify_every_address(provider):
    settings = IdentityProviderSettings(
        _env_file=None,
        auth_jwks_url=provider.url,
        auth_issuer=ISSUER,
        auth_audience=AUDIENCE,
        auth_emails_verified=True,
    )
    tokens = bearer_tokens(settings)
    assert await tokens.email_of(provider.token(email_verified=None)) == "ada@example.com"
    await refusal_of(tokens, provider.token(email_verified=False))


@pytest.mark.parametrize(
    "email",
    [
        None,
        5,
        "",
        "ada",
        "ada@example",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\n",
        "ada@example.com,eve@example.com",
        "Ada <ada@example.com>",
        "a..b@example.com",
        "ada@-example.com",
        "\u0430da@example.com",
        "a" * 250 + "@example.com",
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_token_without_a_usable_address_is_refused(tokens, provider, email):
    detail = await refusal_of(tokens, provider.token(email=email))
    assert detail == "This token has no e-mail address that can be used here."


async def test_an_unsigned_token_is_refused_and_no_key_is_fetched_for_it(tokens, provider):
    for algorithm in ("none", "None", "NONE", "", None, [], {}, "HS256"):
        await refusal_of(tokens, unsigned(good_claims(), alg=algorithm))
    assert provider.fetches == 0


async def test_a_public_key_is_no_secret_to_sign_with(tokens, provider, rsa_key):
    key_id = provider.rotate(rsa_key)
    assert await tokens.email_of(provider.token())
    public = rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    body = unsigned(good_claims(), alg="HS256", kid=key_id).rstrip(".")
    signature = hmac.new(public, body.encode(), hashlib.sha256).digest()
    await refusal_of(tokens, f"{body}.{jwt.utils.base64url_encode(signature).decode()}")


async def test_a_secret_among_the_keys_signs_nothing(tokens, provider, monkeypatch):
    secret = {"kty": "oct", "kid": "s", "alg": "HS256", "k": jwt.utils.base64url_encode(b"s" * 32).decode()}
    keys = provider.jwks()["keys"]
    monkeypatch.setattr(provider, "jwks", lambda: {"keys": [*keys, secret]})
    await refusal_of(tokens, jwt.encode(good_claims(), b"s" * 32, "HS256", {"kid": "s"}))
    await refusal_of(tokens, provider.token(headers={"kid": "s"}))


async def test_a_token_of_another_key_is_refused(tokens, provider):
    stranger = IdentityProvider()
    key_id = next(iter(provider.keys))
    await refusal_of(tokens, stranger.token(headers={"kid": key_id}))


async def test_a_token_of_another_algorithm_than_its_key_is_refused(tokens, provider, rsa_key):
    key_id = provider.rotate(rsa_key)
    await refusal_of(tokens, jwt.encode(good_claims(), rsa_key, "PS256", {"kid": key_id}))


async def test_a_key_too_short_is_refused(tokens, provider):
    provider.rotate(rsa.generate_private_key(65537, 1024))
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = provider.token()
    await refusal_of(tokens, token)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "\u00e4.\u00f6.\u00fc",
        "." * 1000,
        "e30.e30.e30",
        jwt.utils.base64url_encode(b"[" * 11000).decode() + ".e30.",
        unsigned({}, alg="ES256", kid=["x"]),
        unsigned({}, alg="ES256", crit=["x"]),
        "x" * 100_000,
    ],
    ids=lambda value: value[:20],
)
async def test_nonsense_is_refused_and_never_an_error_of_ours(tokens, token):
    assert await refusal_of(tokens, token) == "This token is not accepted."


async def test_a_new_key_is_found_at_once(tokens, provider):
    old = provider.token()
    await tokens.email_of(old)
    provider.rotate()
    assert await tokens.email_of(provider.token()) == "ada@example.com"
    assert provider.fetches == 2
    await refusal_of(tokens, old)


async def test_unknown_keys_are_looked_up_once_a_minute_at_most(tokens, provider, clock):
    await tokens.email_of(provider.token())
    strange = [provider.token(headers={"kid": f"unknown-{number}"}) for number in range(20)]
    await asyncio.gather(*(refusal_of(tokens, token) for token in strange))
    assert provider.fetches == 2
    clock.now_s += 59
    await refusal_of(tokens, strange[0])
    assert await tokens.email_of(provider.token()) == "ada@example.com"
    assert provider.fetches == 2
    clock.now_s += 1
    await refusal_of(tokens, strange[0])
    assert provider.fetches == 3


async def test_a_withdrawn_key_is_refused_after_ten_minutes(tokens, provider, clock):
    withdrawn = provider.token()
    await tokens.email_of(withdrawn)
    provider.rotate()
    clock.now_s = 599
    assert await tokens.email_of(withdrawn) == "ada@example.com"
    clock.now_s = 600
    await refusal_of(tokens, withdrawn)


async def test_a_token_that_names_no_key_takes_the_only_one(tokens, provider):
    unnamed = jwt.encode(good_claims(), next(iter(provider.keys.values())), "ES256")
    assert await tokens.email_of(unnamed) == "ada@example.com"
    provider.keys["second"] = ec.generate_private_key(ec.SECP256R1())
    second = provider.token()
    assert json.loads(jwt.utils.base64url_decode(second.split(".")[0]))["kid"] == "second"
    assert await tokens.email_of(second) == "ada@example.com"
    await refusal_of(tokens, unnamed)


async def test_while_the_provider_is_away_nothing_can_be_told(tokens, provider, clock):
    provider.status = 500
    for _ in range(5):
        with pytest.raises(IdentityProviderError):
            await tokens.email_of(provider.token())
    assert provider.fetches == 1
    provider.status = 200
    clock.now_s += 5
    assert await tokens.email_of(provider.token()) == "ada@example.com"


async def test_known_keys_outlast_an_absence_of_the_provider_for_an_hour(tokens, provider, clock):
    token = provider.token()
    await tokens.email_of(token)
    provider.status = 500
    clock.now_s = 3599
    assert await tokens.email_of(token) == "ada@example.com"
    with pytest.raises(IdentityProviderError):
        await tokens.email_of(provider.token(headers={"kid": "new"}))
    clock.now_s = 3605
    with pytest.raises(IdentityProviderError):
        await tokens.email_of(token)


@pytest.mark.parametrize("answer", [[], {}, {"keys": []}, {"keys": [{"kty": "oct", "k": "eA"}]}], ids=repr)
async def test_an_answer_without_usable_keys_is_no_good(tokens, provider, monkeypatch, answer):
    monkeypatch.setattr(provider, "jwks", lambda: answer)
    with pytest.raises((IdentityProviderError, Problem)):
        await tokens.email_of(provider.token())


async def test_a_provider_that_cannot_be_reached_is_away():
    tokens = BearerTokens(SigningKeys("http://127.0.0.1:1/jwks"), issuer=ISSUER, audience=AUDIENCE)
    with pytest.raises(IdentityProviderError):
        await tokens.email_of(IdentityProvider().token())


def test_without_settings_there_are_no_bearer_tokens():
    assert bearer_tokens(IdentityProviderSettings(_env_file=None)) is None
