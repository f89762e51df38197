from modelpick_local.backoff import BackOff


def test_the_delay_doubles_up_to_ten_seconds():
    back_off = BackOff()

    delays = [back_off.after(lived_s=0) for _ in range(8)]

    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_a_healthy_while_forgets_earlier_crashes():
    back_off = BackOff()
    for _ in range(5):
        back_off.after(lived_s=0)

    assert back_off.after(lived_s=12) == 0.2
    assert back_off.after(lived_s=0) == 0.4


def test_a_part_that_is_killed_again_and_again_after_it_ran_well_starts_at_once_each_time():
    back_off = BackOff()

    assert {back_off.after(lived_s=15) for _ in range(50)} == {0.2}


def test_a_part_that_never_lives_long_is_started_ever_more_seldom():
    back_off = BackOff()

    delays = [back_off.after(lived_s=11) for _ in range(50)]

    assert delays == sorted(delays)
    assert delays[-1] == 10.0
