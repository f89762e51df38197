from modelpick_local.backoff import BackOff


def test_the_delay_doubles_up_to_ten_seconds():
    back_off = BackOff()

    delays = [back_off.after(lived_s=0) for _ in range(8)]

    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_half_a_minute_of_health_forgets_earlier_crashes():
    back_off = BackOff()
    for _ in range(5):
        back_off.after(lived_s=0)

    assert back_off.after(lived_s=30) == 0.2
    assert back_off.after(lived_s=0) == 0.4
