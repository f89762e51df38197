from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from modelpick_orchestrator.planner import ModelLoad, share_slots

A, B, C = (UUID(int=number) for number in range(3))
PLENTY = 1_000


def shares(slots, in_flight=None, waiting=None, room=None):
    order = [A, B, C]
    load = ModelLoad("m", slots, in_flight or {}, waiting or {})
    return share_slots(load, order, dict.fromkeys(order, PLENTY) | (room or {}))


def test_a_report_alone_gets_every_slot():
    assert shares(6, waiting={A: 30}) == {A: 6}


def test_slots_in_use_are_not_given_again():
    assert shares(6, in_flight={A: 4}, waiting={A: 30}) == {A: 2}


def test_no_more_is_given_than_waits():
    assert shares(6, waiting={A: 2}) == {A: 2}


def test_reports_share_a_model_equally_and_the_older_one_gets_the_odd_slot():
    assert shares(7, waiting={A: 30, B: 30}) == {A: 4, B: 3}


def test_a_free_slot_goes_to_the_report_with_the_fewest_in_flight():
    assert shares(6, in_flight={A: 4, B: 1}, waiting={A: 30, B: 30}) == {B: 1}


def test_a_report_with_nothing_in_flight_gets_a_slot_even_when_all_are_taken():
    assert shares(6, in_flight={A: 6}, waiting={A: 30, B: 30}) == {B: 1}


def test_the_room_of_a_report_bounds_it_over_models():
    room = {A: 3, B: PLENTY, C: PLENTY}
    load = ModelLoad("m", 6, {}, {A: 30})
    assert share_slots(load, [A, B, C], room) == {A: 3}
    assert share_slots(load, [A, B, C], room) == {}


counts = st.dictionaries(st.sampled_from([A, B, C]), st.integers(0, 12))


@given(slots=st.integers(1, 12), in_flight=counts, waiting=counts)
def test_slots_are_never_exceeded_but_for_one_job_of_a_report_that_has_none(slots, in_flight, waiting):
    given_jobs = shares(slots, in_flight, waiting)
    total = sum(in_flight.values()) + sum(given_jobs.values())
    first_jobs = sum(1 for report in given_jobs if in_flight.get(report, 0) == 0)
    assert total <= max(slots, sum(in_flight.values()) + first_jobs, first_jobs)
    assert all(count <= waiting.get(report, 0) for report, count in given_jobs.items())


@given(slots=st.integers(1, 12), in_flight=counts, waiting=counts)
def test_no_report_is_left_without_a_job_while_it_has_one_waiting(slots, in_flight, waiting):
    given_jobs = shares(slots, in_flight, waiting)
    for report, count in waiting.items():
        assert not count or in_flight.get(report, 0) + given_jobs.get(report, 0) > 0


@given(
    slots=st.integers(1, 12), waiting=st.fixed_dictionaries({A: st.just(50), B: st.just(50), C: st.just(50)})
)
def test_equal_reports_never_differ_by_more_than_one(slots, waiting):
    given_jobs = shares(slots, waiting=waiting)
    values = [given_jobs.get(report, 0) for report in (A, B, C)]
    assert max(values) - min(values) <= 1
