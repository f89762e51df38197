import pytest

from modelpick_local.demo.errors import DemoError
from modelpick_local.demo.forms import form_of

PAGE = """
<form method="post" action="/pay/1">
  <input type="hidden" name="csrf" value="s3cret">
  <input name="email" autocomplete="email" value="ada@example.com" readonly>
  <label>Card <input name="number" autocomplete="cc-number"></label>
  <input name="note"><input type="submit" name="go" value="Pay"><input>
</form>
<form action="/search"><input name="q"></form>
"""


def test_a_form_goes_where_its_page_says():
    form = form_of(PAGE, "http://pay.test/pay/1?x=1")

    assert (form.method, form.action) == ("POST", "http://pay.test/pay/1")


def test_fields_are_filled_by_their_purpose_unless_they_are_filled_already():
    form = form_of(PAGE, "http://pay.test/")

    assert form.filled({"cc-number": "4242", "email": "other@example.com", "cc-csc": "123"}) == {
        "csrf": "s3cret",
        "email": "ada@example.com",
        "number": "4242",
        "note": "",
    }


def test_a_page_without_a_form_is_an_error():
    with pytest.raises(DemoError, match="no form at"):
        form_of("<p>This was paid already</p>", "http://pay.test/")
