import json

import httpx
import pytest

from modelpick_local.demo.customer import Customer
from modelpick_local.demo.errors import RefusedError
from modelpick_local.demo.schemas import Payable

SITE = "http://shop.test"


def report(done, status="running"):
    body = {
        "id": "r",
        "status": status,
        "total_jobs": 2,
        "completed_jobs": done,
        "spent_usd": "0",
        "models": [],
    }
    return json.dumps(body)


def stream(*events):
    text = "".join(f"event: {name}\nid: {number}\ndata: {data}\n\n" for name, number, data in events)
    return httpx.Response(200, text=text, headers={"Content-Type": "text/event-stream"})


def customer_of(answer):
    client = httpx.AsyncClient(base_url=SITE, transport=httpx.MockTransport(answer))
    return Customer(client, "http://mail.test", "ada@example.com")


async def test_a_cut_stream_is_taken_up_again_where_it_ended():
    requests = []
    answers = [
        stream(("snapshot", 1, report(0)), ("progress", 2, report(1))),
        httpx.Response(502, json={"detail": "restarting"}),
        stream(("complete", 3, report(2, "complete"))),
    ]

    def answer(request):
        requests.append(request)
        return answers[len(requests) - 1]

    states = [state.completed_jobs async for state in customer_of(answer).watch("r")]

    assert states == [0, 1, 2]
    assert [request.headers.get("Last-Event-ID") for request in requests] == [None, "2", "2"]


async def test_a_stream_that_is_refused_is_not_asked_for_again():
    customer = customer_of(lambda _: httpx.Response(404, json={"detail": "There is nothing here."}))

    with pytest.raises(RefusedError, match="404: There is nothing here"):
        await anext(customer.watch("r"))


async def test_a_refusal_names_the_request_and_every_fault():
    problem = {"detail": "It does not fit.", "errors": [{"pointer": "/name", "detail": "too long"}]}
    customer = customer_of(lambda _: httpx.Response(422, json=problem))

    with pytest.raises(RefusedError, match=r"POST /api/drafts .* 422: It does not fit. /name: too long"):
        await customer.new_draft()


async def test_a_declined_card_is_an_error():
    page = '<form method="post" action="/pay"><input name="card" autocomplete="cc-number"></form>'
    customer = customer_of(lambda request: httpx.Response(200 if request.method == "GET" else 402, text=page))

    with pytest.raises(RefusedError, match="402"):
        await customer.enter_card(Payable(url="http://pay.test/1", session_id="cs_1"))
