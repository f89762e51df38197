from datetime import UTC, datetime, timedelta

from modelpick_model_worker.clock import Clock

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def seconds(number):
    return timedelta(seconds=number)


def test_a_clock_that_learnt_nothing_is_this_machines():
    assert abs(Clock().now() - datetime.now(UTC)) < seconds(1)


def test_the_offset_is_taken_at_the_middle_of_the_round_trip():
    clock = Clock()
    clock.learn(NOW + seconds(600.2), NOW, NOW + seconds(0.4))
    assert clock.offset == seconds(600)
    assert abs(clock.now() - datetime.now(UTC) - seconds(600)) < seconds(1)


def test_a_slow_answer_is_better_than_none_and_worse_than_a_fast_one():
    clock = Clock()
    clock.learn(NOW + seconds(15), NOW, NOW + seconds(10))
    assert clock.offset == seconds(10)
    clock.learn(NOW, NOW, NOW)
    assert clock.offset == seconds(0)
    clock.learn(NOW + seconds(15), NOW, NOW + seconds(10))
    assert clock.offset == seconds(0)


def test_every_fast_answer_is_learnt_so_that_a_drift_is_followed():
    clock = Clock()
    clock.learn(NOW + seconds(1), NOW, NOW)
    clock.learn(NOW + seconds(2.25), NOW, NOW + seconds(0.5))
    assert clock.offset == seconds(2)


def test_an_answer_from_before_its_question_is_ignored():
    clock = Clock()
    clock.learn(NOW + seconds(5), NOW, NOW - seconds(1))
    assert clock.offset == seconds(0)
