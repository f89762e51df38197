from modelpick_local.demo.events import ServerEvent, server_events


async def lines_of(text):
    for line in text.splitlines():
        yield line


async def events_of(text):
    return [event async for event in server_events(lines_of(text))]


async def test_an_event_has_its_name_data_and_id():
    assert await events_of('event: progress\nid: 7\ndata: {"a": 1}\n\n') == [
        ServerEvent("progress", '{"a": 1}', "7")
    ]


async def test_data_of_several_lines_is_joined():
    assert await events_of("data: one\ndata:two\n\n") == [ServerEvent("message", "one\ntwo", None)]


async def test_comments_and_what_was_cut_off_are_left_out():
    assert await events_of(": still here\n\nevent: progress\ndata: {") == []
