from modelpick_local.home import find_checkout
from modelpick_local.parts import module_command


def test_a_part_starts_where_it_finds_no_settings_file_of_its_own():
    command = module_command("anything", {"RESEND_API_KEY": ""})
    assert command.env["RESEND_API_KEY"] == ""
    assert not command.folder.is_relative_to(find_checkout())
