"""What browsers compute themselves is held against the service's statistics by cases that both sides know."""

import runpy
from pathlib import Path

WEB = Path(__file__).parents[4] / "web"


def test_the_cases_that_the_browser_application_is_tested_with_are_what_the_statistics_say():
    script = runpy.run_path(str(WEB / "standing_cases.py"))
    said = "out of date: run `python web/standing_cases.py`, and see whether the browser still agrees"
    assert script["FILE"].read_text() == script["described"](), said
