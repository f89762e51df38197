from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from modelpick_shared.broker import model_queue, owners
from modelpick_shared.broker.sharing import Members, next_step
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import WorkerAlive

QUEUES = [model_queue(model.id).name for model in load_catalog()]
names = st.lists(st.uuids().map(str), min_size=1, max_size=6, unique=True)


def alive(worker_id, queues=(), *, leaving=False):
    return WorkerAlive(
        worker_id=worker_id, queues=list(queues), sent_at="2026-01-01T00:00:00Z", leaving=leaving
    )


@given(names)
def test_every_queue_has_two_owners_where_there_are_two_members(members):
    for queue in QUEUES:
        assert len(owners(queue, members)) == min(2, len(members))
        assert owners(queue, members) == owners(queue, reversed(members))


@given(names, st.uuids().map(str))
def test_a_newcomer_moves_only_what_becomes_its_own(members, newcomer):
    for queue in QUEUES:
        after = owners(queue, [*members, newcomer])
        assert after[0] in {newcomer, owners(queue, members)[0]}


def test_queues_are_spread_over_the_members():
    first = Counter(owners(queue, [f"worker-{number}" for number in range(4)])[0] for queue in QUEUES)
    assert set(first.values()) <= set(range(2, 12))
    assert len(first) == 4


def test_a_member_alone_takes_every_queue_and_gives_none_away():
    step = next_step("a", {}, QUEUES, {})
    assert step.subscribe == set(QUEUES)
    assert not step.leave | step.stand_by


def test_a_queue_is_handed_over_only_once_its_first_owner_consumes_it():
    queue = next(queue for queue in QUEUES if owners(queue, ["a", "b"])[0] == "b")
    waiting = next_step("a", {"b": []}, QUEUES, dict.fromkeys(QUEUES))
    assert not waiting.stand_by | waiting.leave
    ready = next_step("a", {"b": QUEUES}, QUEUES, dict.fromkeys(QUEUES))
    assert queue in ready.stand_by
    done = next_step("a", {"b": QUEUES}, QUEUES, dict.fromkeys(QUEUES) | {queue: "b"})
    assert queue not in done.stand_by


def test_a_third_member_is_left_out_and_leaves():
    members = ["a", "b", "c"]
    queue = next(queue for queue in QUEUES if "a" not in owners(queue, members))
    others = {"b": QUEUES, "c": QUEUES}
    assert queue in next_step("a", others, QUEUES, dict.fromkeys(QUEUES)).leave
    assert queue not in next_step("a", others, QUEUES, {}).subscribe


def test_a_member_is_known_by_its_beats_until_it_leaves():
    members = Members("a")
    assert not members.hear(alive("a", ["q"])), "its own beats tell it nothing"
    assert members.hear(alive("b"))
    assert not members.hear(alive("b"))
    assert members.hear(alive("b", ["q"]))
    assert members.live() == {"b": frozenset({"q"})}
    assert members.hear(alive("b", leaving=True))
    assert members.live() == {}


def test_a_member_that_is_not_heard_any_more_is_gone(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("modelpick_shared.broker.sharing.time.monotonic", lambda: now[0])
    members = Members("a")
    members.hear(alive("b"))
    now[0] += 6
    assert "b" in members.live()
    now[0] += 2
    assert members.live() == {}
