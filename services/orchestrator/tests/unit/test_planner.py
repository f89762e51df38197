from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from modelpick_orchestrator.planner import (
    Candidate,
    ModelState,
    Opening,
    Purse,
    ReportState,
    Row,
    is_stuck,
    may_squeeze,
    opening,
    plan,
)
from modelpick_shared.contracts import JobKey

A, B, C = (UUID(int=number) for number in range(3))
USD = Decimal


def purse(*, spent=0, reserved=0, ceiling=7, soft=6.5, over=False):
    return Purse(USD(str(spent)), USD(str(reserved)), USD(str(ceiling)), USD(str(soft)), over_ceiling=over)


def row(index, waiting, *, begun=False, cheapest=None):
    return Row((0, index), USD(str(waiting)), USD(str(waiting if cheapest is None else cheapest)), begun)


def jobs(report, count, *, model="m", usd=0):
    return [Candidate(JobKey(report, model, image, 0), USD(str(usd))) for image in range(count)]


def shares(slots, in_flight=None, waiting=None, rooms=None):
    """Return how many jobs of one free model each report starts."""
    states = [ReportState(report, purse(), room=(rooms or {}).get(report, 1000)) for report in (A, B, C)]
    queues = {report: jobs(report, count) for report, count in (waiting or {}).items()}
    started = plan(states, [ModelState("m", slots, in_flight or {}, queues)])
    counts = {report: sum(job.job.report_id == report for job in started) for report in (A, B, C)}
    return {report: count for report, count in counts.items() if count}


def test_a_report_alone_gets_every_slot():
    assert shares(6, waiting={A: 30}) == {A: 6}


def test_slots_in_use_are_not_given_again():
    assert shares(6, in_flight={A: 4}, waiting={A: 30}) == {A: 2}
    assert shares(6, in_flight={A: 6}, waiting={A: 30}) == {}


def test_no_more_is_given_than_waits():
    assert shares(6, waiting={A: 2}) == {A: 2}


def test_reports_share_a_model_equally_and_the_older_one_gets_the_odd_slot():
    assert shares(7, waiting={A: 30, B: 30}) == {A: 4, B: 3}


def test_a_free_slot_goes_to_the_report_with_the_fewest_in_flight():
    assert shares(6, in_flight={A: 4, B: 1}, waiting={A: 30, B: 30}) == {B: 1}


def test_a_report_with_nothing_in_flight_gets_a_slot_even_when_all_are_taken():
    assert shares(6, in_flight={A: 6}, waiting={A: 30, B: 30}) == {B: 1}


def test_the_room_of_a_report_is_shared_by_its_models():
    states = [ReportState(A, purse(), room=4)]
    models = [ModelState(name, 6, {}, {A: jobs(A, 9, model=name)}) for name in ("m", "n")]
    assert sorted(candidate.job.model_id for candidate in plan(states, models)) == ["m", "m", "n", "n"]


counts = st.dictionaries(st.sampled_from([A, B, C]), st.integers(0, 12))


@given(slots=st.integers(1, 12), in_flight=counts, waiting=counts)
def test_slots_are_never_exceeded_but_for_one_job_of_a_report_that_has_none(slots, in_flight, waiting):
    started = shares(slots, in_flight, waiting)
    total = sum(in_flight.values()) + sum(started.values())
    first_jobs = sum(1 for report in started if in_flight.get(report, 0) == 0)
    assert total <= max(slots, sum(in_flight.values()) + first_jobs, first_jobs)
    assert all(count <= waiting.get(report, 0) for report, count in started.items())


@given(slots=st.integers(1, 12), in_flight=counts, waiting=counts)
def test_no_report_is_left_without_a_job_while_it_has_one_waiting(slots, in_flight, waiting):
    started = shares(slots, in_flight, waiting)
    for report, count in waiting.items():
        assert not count or in_flight.get(report, 0) + started.get(report, 0) > 0


@given(slots=st.integers(1, 12))
def test_equal_reports_never_differ_by_more_than_one(slots):
    started = shares(slots, waiting={A: 50, B: 50, C: 50})
    values = [started.get(report, 0) for report in (A, B, C)]
    assert max(values) - min(values) <= 1


def test_rows_open_as_far_as_their_worst_case_fits_under_the_soft_ceiling():
    rows = [row(0, 2), row(1, 2), row(2, 2), row(3, 2)]
    assert opening(ReportState(A, purse(), rows)) == Opening(through=(0, 2))
    assert opening(ReportState(A, purse(spent=1, reserved=2), rows)) == Opening(through=(0, 0))


def test_a_begun_row_may_use_the_money_up_to_the_hard_ceiling():
    assert opening(ReportState(A, purse(spent=4.8), [row(0, 2, begun=True)])).through == (0, 0)
    assert opening(ReportState(A, purse(spent=4.8), [row(0, 2)])) == Opening()


def test_what_a_begun_row_lacks_is_started_job_by_job():
    state = ReportState(A, purse(spent=5.5), [row(0, 3, begun=True, cheapest=1)])
    assert opening(state) == Opening(piecemeal=(0, 0))
    queues = {A: [Candidate(JobKey(A, "m", 0, 0), USD(1))]}
    other = {A: [Candidate(JobKey(A, "n", 0, 0), USD(1))]}
    started = plan([state], [ModelState("m", 6, {}, queues), ModelState("n", 6, {}, other)])
    assert len(started) == 1, "the second does not fit beside the first"


def test_nothing_new_starts_once_spend_reaches_the_soft_ceiling_or_a_bill_went_over():
    for spent_out in (purse(spent=6.5), purse(over=True)):
        state = ReportState(A, spent_out, [row(0, 0.01, begun=True)])
        assert opening(state) == Opening()
        assert is_stuck(state)
        assert not is_stuck(ReportState(A, spent_out, [row(0, 0.01)], live=1))


def test_free_jobs_start_whatever_the_money_says():
    state = ReportState(A, purse(spent=6.9), [row(0, 1)])
    assert len(plan([state], [ModelState("m", 6, {}, {A: jobs(A, 3)})])) == 3


def test_a_halted_report_starts_no_paid_job_and_gives_none_up():
    state = ReportState(A, purse(), [row(0, 1)], halted=True)
    assert not plan([state], [ModelState("m", 6, {}, {A: jobs(A, 3, usd=1)})])
    assert not is_stuck(state)


def test_a_row_is_begun_without_its_whole_reserve_when_calls_have_been_cheap():
    worst_cases = {"m": USD(2), "n": USD(2)}
    assert may_squeeze(purse(spent=4), worst_cases, {"m": USD("0.01"), "n": USD("0.01")})
    assert not may_squeeze(purse(spent=4), worst_cases, {"m": USD("1.9"), "n": USD("1.9")})
    assert not may_squeeze(purse(spent=5.5), worst_cases, {"m": USD("0.01"), "n": USD("0.01")})


def test_a_report_that_has_paid_for_nothing_yet_tries_its_first_row_job_by_job():
    assert may_squeeze(purse(), {"m": USD(5), "n": USD(5)}, {})
    assert not may_squeeze(purse(), {"m": USD(8)}, {})
