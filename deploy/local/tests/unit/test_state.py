from modelpick_local.home import Home
from modelpick_local.processes import ProcessId
from modelpick_local.state import PartKind, PartState, ProcessState, RunState, read_state, write_state

SOMEBODY_LONG_GONE = ProcessState.of(ProcessId(1, "another boot:1"))


def test_the_state_is_read_as_it_was_written(tmp_path):
    home = Home.at(tmp_path)
    part = PartState(name="one", kind=PartKind.SERVICE, port=1, health_url="http://127.0.0.1:1/readyz")
    state = RunState(run_id="r", launcher=SOMEBODY_LONG_GONE, site_url="http://localhost:1", parts=[part])

    write_state(home, state)

    assert read_state(home) == state
    assert home.state_file.stat().st_mode & 0o777 == 0o600


def test_no_state_and_a_broken_one_are_the_same(tmp_path):
    home = Home.at(tmp_path)
    assert read_state(home) is None

    home.state_file.write_text("{")
    assert read_state(home) is None


def test_a_reused_process_id_is_not_the_launcher():
    state = RunState(run_id="r", launcher=SOMEBODY_LONG_GONE, site_url="http://localhost:1")

    assert not state.is_running
