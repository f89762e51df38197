import base64
import hashlib
import json

import httpx
import pytest

from modelpick_simulators.openrouter.answers import FixedAnswerBook
from modelpick_simulators.openrouter.app import create_app
from modelpick_simulators.openrouter.settings import OpenRouterSettings

ANSWER = {
    "vendor": "Café Müller",
    "date": "2026-03-14",
    "total": 42.5,
    "paid": True,
    "tip": None,
    "items": [{"name": "Espresso", "price": 2.5}, {"name": "Cake", "price": 40}],
}
PRICES = {"premium": (5, 25), "mid": (1, 5), "budget": (0.1, 0.4), "free": (0, 0)}


def entry(model_id, tier, *supports):
    prompt, completion = PRICES[tier]
    return {
        "id": model_id,
        "name": model_id.title(),
        "tier": tier,
        "input_usd_per_1m": prompt,
        "output_usd_per_1m": completion,
        "context_length": 128_000,
        "max_output_tokens": None,
        "supports": list(supports),
    }


MODELS = [
    entry("acme/premium", "premium", "structured_outputs", "response_format", "temperature", "reasoning"),
    entry("acme/mid", "mid", "response_format", "temperature"),
    entry("acme/budget", "budget"),
    entry("acme/free", "free"),
    entry("nvidia/talkative", "free"),
]


class Simulator:
    """A client of the simulated API that knows what a request looks like."""

    def __init__(self, client):
        self.http = client

    def request(self, image, model, **more):
        url = image if isinstance(image, str) else "data:image/png;base64," + base64.b64encode(image).decode()
        parts = [{"type": "text", "text": "Read."}, {"type": "image_url", "image_url": {"url": url}}]
        return {"model": model, "messages": [{"role": "user", "content": parts}], "user": "report-1"} | more

    async def chat(self, image=b"image", model="acme/premium", headers=None, **more):
        body = self.request(image, model, **more)
        return await self.http.post("/api/v1/chat/completions", json=body, headers=headers)

    async def text(self, image=b"image", model="acme/premium", **more):
        answer = await self.chat(image, model, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()["choices"][0]["message"]["content"]

    async def script(self, mode, **more):
        answer = await self.http.post("/_control/script", json={"mode": mode} | more)
        assert answer.status_code == 204, answer.text

    async def journal(self, **params):
        return (await self.http.get("/_control/journal", params=params)).json()


def picture(number):
    return b"picture %d" % number


@pytest.fixture
def pictures():
    return [picture(number) for number in range(300)]


@pytest.fixture
def answer():
    return ANSWER


@pytest.fixture
def book(pictures):
    known = [b"image", *pictures]
    text = json.dumps(ANSWER, ensure_ascii=False)
    return FixedAnswerBook({hashlib.sha256(each).hexdigest(): text for each in known})


@pytest.fixture
def settings(port, tmp_path):
    models = tmp_path / "models.json"
    models.write_text(json.dumps(MODELS))
    return OpenRouterSettings(
        simulator_port=port,
        simulator_models=models,
        openrouter_api_key="sk-or-simulated",
        simulator_latency_ms="0",
        simulator_rate_limit_share=0,
        simulator_journal=tmp_path / "journal.jsonl",
    )


def download(request):
    return httpx.Response(200, content=b"image") if request.url.path == "/image.png" else httpx.Response(404)


@pytest.fixture
def make_app(settings, book):
    def make(**changes):
        return create_app(
            settings.model_copy(update=changes), book, image_transport=httpx.MockTransport(download)
        )

    return make


@pytest.fixture
def simulator_for():
    return Simulator


@pytest.fixture
async def simulator(make_app, in_process):
    async with in_process(make_app(), headers={"Authorization": "Bearer sk-or-simulated"}) as client:
        yield Simulator(client)
