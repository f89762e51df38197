from modelpick_checkout.orders.nudges import MOST_REMEMBERED, PAUSE_S, Nudges


def test_a_session_is_due_again_only_after_a_pause():
    now = [100.0]
    nudges = Nudges(clock=lambda: now[0])
    assert nudges.due("cs_1")
    nudges.sent("cs_1")
    assert not nudges.due("cs_1")
    assert nudges.due("cs_2")
    now[0] += PAUSE_S
    assert nudges.due("cs_1")


def test_old_sessions_are_forgotten():
    nudges = Nudges(clock=lambda: 1.0)
    for number in range(MOST_REMEMBERED + 1):
        nudges.sent(f"cs_{number}")
    assert nudges.due("cs_0")
    assert not nudges.due("cs_1")
