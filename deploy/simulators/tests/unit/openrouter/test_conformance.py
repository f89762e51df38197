"""The bodies against the official description of the API, where it is at hand."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

REPOSITORY = Path(__file__).resolve().parents[5]
DESCRIPTION = REPOSITORY.parent / "shared" / "reference" / "openrouter-openapi.subset.json"

pytestmark = pytest.mark.skipif(not DESCRIPTION.exists(), reason="the official description is not at hand")


@pytest.fixture(scope="module")
def check():
    content = json.loads(DESCRIPTION.read_text())
    resource = Resource.from_contents(content, default_specification=DRAFT202012)
    registry = Registry().with_resource("urn:api", resource)

    def validate(body, place):
        schema = {"$ref": f"urn:api#/{place}"}
        Draft202012Validator(schema, registry=registry).validate(body)

    return validate


def response(path, status=200):
    escaped = path.replace("/", "~1")
    return f"paths/{escaped}/get/responses/{status}/content/application~1json/schema"


@pytest.mark.parametrize(
    "model", ["acme/premium", "acme/mid", "acme/budget", "acme/free", "nvidia/talkative"]
)
async def test_completions_conform(simulator, check, pictures, model):
    for image in pictures[:40]:
        answer = await simulator.chat(image, model, headers={"X-OpenRouter-Metadata": "enabled"})
        if answer.status_code == 200:
            check(answer.json(), "components/schemas/ChatResult")
        else:
            check(answer.json(), "components/schemas/BadGatewayResponse")


async def test_refusals_conform(simulator, check):
    check((await simulator.chat(model="none/such")).json(), "components/schemas/BadRequestResponse")
    cheap = {"max_price": {"prompt": 0}}
    check((await simulator.chat(provider=cheap)).json(), "components/schemas/NotFoundResponse")
    await simulator.script("status:429")
    check((await simulator.chat()).json(), "components/schemas/TooManyRequestsResponse")


@pytest.mark.parametrize("path", ["/models", "/key", "/credits"])
async def test_the_other_routes_conform(simulator, check, path):
    check((await simulator.http.get(f"/api/v1{path}")).json(), response(path))


async def test_a_generation_conforms(simulator, check):
    address = f"/api/v1/generation?id={(await simulator.chat()).json()['id']}"
    answer = await simulator.http.get(address)
    while answer.status_code == 404:
        answer = await simulator.http.get(address)
    check(answer.json(), "components/schemas/GenerationResponse")
