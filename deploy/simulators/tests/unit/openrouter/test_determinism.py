import json

import pytest

from modelpick_simulators.openrouter.catalogue import Model
from modelpick_simulators.openrouter.draws import Draws
from modelpick_simulators.openrouter.mistakes import with_mistakes
from modelpick_simulators.openrouter.personas import TIERS, persona_of
from modelpick_simulators.openrouter.runs import Runs
from modelpick_simulators.openrouter.writing import DRESSINGS, Task, habitual_answer, wrong_answer


async def answers(simulator, images, model, runs=3, **more):
    every = {}
    for image in images:
        for run in range(runs):
            answer = await simulator.chat(image, model, **more)
            while answer.status_code != 200 or answer.json()["choices"][0]["finish_reason"] == "error":
                answer = await simulator.chat(image, model, **more)
            every[image, run] = answer.json()["choices"][0]["message"]["content"]
    return every


@pytest.mark.parametrize("model", ["acme/premium", "acme/free", "nvidia/talkative"])
async def test_the_same_runs_get_the_same_answers_whoever_asks(simulator, pictures, model):
    first = await answers(simulator, pictures[:15], model, user="report-1")
    second = await answers(simulator, pictures[:15], model, user="report-2")
    assert first == second


async def test_a_reset_starts_the_runs_again(simulator, pictures):
    first = await answers(simulator, pictures[:10], "acme/free")
    await simulator.http.post("/_control/reset")
    assert await answers(simulator, pictures[:10], "acme/free") == first


@pytest.mark.parametrize(
    ("tier", "share"), [("premium", 0.95), ("mid", 0.85), ("budget", 0.7), ("free", 0.55)]
)
async def test_each_tier_reads_about_its_share_of_images_well(simulator, pictures, answer, tier, share):
    read = await answers(simulator, pictures, f"acme/{tier}", runs=1)
    right = sum(1 for text in read.values() if text and is_json(text) and json.loads(text) == answer)
    assert right / len(read) == pytest.approx(share, abs=0.12)


def is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def task(run=0, image="image", persona=TIERS["budget"], right='{"total": 12.5, "date": "2026-01-31"}'):
    return Task(persona, Draws("acme/budget", image, run), right)


def test_a_misread_image_is_misread_the_same_way_in_every_run():
    assert {wrong_answer(task(run)).content for run in range(3)} == {wrong_answer(task()).content}


def test_a_wrong_answer_differs_from_the_right_one_for_any_document():
    documents = [
        {"a": "X"},
        {"a": 0},
        {"a": None},
        {"a": True},
        {"a": []},
        {},
        [],
        "text",
        7,
        {"a": {"b": ["1"]}},
    ]
    documents += [{"a": ""}, {"a": "UPPER"}, {"a": 1.5e300}, {"": {"": ""}}, [[[]]], None]
    for document in documents:
        for image in range(20):
            spoilt = with_mistakes(document, Draws("m", str(image)), 1)
            assert json.dumps(spoilt) != json.dumps(document)


def test_a_model_that_flips_gives_different_answers_to_one_image():
    persona = TIERS["free"]
    texts = {habitual_answer(task(run, "easy", persona)).content for run in range(60)}
    assert len(texts) > 1


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("fenced", lambda answer: answer.content.startswith("```json\n")),
        ("prose", lambda answer: answer.content.startswith("Here is")),
        ("truncated", lambda answer: answer.finish_reason == "length" and not is_json(answer.content)),
        ("refused", lambda answer: answer.finish_reason == "content_filter"),
        ("empty", lambda answer: answer.content == ""),
        ("null_content", lambda answer: answer.content is None and answer.reasoning),
    ],
)
def test_every_bad_habit_shows_in_about_its_share_of_answers(name, check):
    persona = TIERS["premium"].__class__(accuracy=1, most_mistakes=1, **{name: 0.5})
    shown = [habitual_answer(task(run, persona=persona)) for run in range(200)]
    with_habit = [answer for answer in shown if answer.outcome == name]
    assert 70 < len(with_habit) < 130
    assert all(check(answer) for answer in with_habit)
    assert set(persona.dressings) == set(DRESSINGS)


def model(model_id, tier):
    return Model(model_id, model_id, tier, 1, 1, 1000, None, frozenset())


def test_personas_keep_near_their_tier_and_have_their_own_habits():
    assert persona_of(model("nvidia/any", "free")).prose > 0
    assert persona_of(model("acme/any", "free")).prose == 0
    for tier, persona in TIERS.items():
        assert abs(persona_of(model("acme/any", tier)).accuracy - persona.accuracy) <= 0.04


def test_a_run_keeps_its_number_until_it_is_answered():
    runs = Runs()
    first, second = runs.take("m", "i", "u"), runs.take("m", "i", "u")
    assert (first.number, second.number) == (0, 1)
    runs.give_back(first, failed=True)
    again = runs.take("m", "i", "u")
    assert (again.number, again.attempt) == (0, 1)
    assert runs.take("m", "i", "u").number == 2
    assert runs.take("m", "i", "other").number == 0


async def test_rate_limited_first_attempts_succeed_when_repeated(make_app, in_process, simulator_for):
    app = make_app(simulator_rate_limit_share=1.0)
    async with in_process(app, headers={"Authorization": "Bearer sk-or-simulated"}) as client:
        simulator = simulator_for(client)
        limited = await simulator.chat(model="acme/budget")
        assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
        assert (await simulator.chat(model="acme/budget")).status_code == 200
        assert (await simulator.chat(model="acme/premium")).status_code == 200


async def test_every_mishap_is_over_at_the_second_attempt(simulator, pictures):
    for image in pictures:
        answer = await simulator.chat(image, "acme/free")
        if answer.status_code != 200 or answer.json()["choices"][0]["finish_reason"] == "error":
            again = await simulator.chat(image, "acme/free")
            assert again.json()["choices"][0]["finish_reason"] != "error"
    outcomes = {call["outcome"] for call in (await simulator.journal())["calls"]}
    assert {"perfect", "wrong", "bad_gateway", "error_in_200"} <= outcomes
