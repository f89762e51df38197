"""Hostile answers, readers without scripts, and paper."""

import json

from playwright.async_api import expect

ATTACK = (
    "<script>alert('script')</script><img src=x onerror=\"alert('image')\"> [link](javascript:alert('link'))"
    " \u202egnp.exe\u202c zero\u200bwidth "
)
MARKED_UP = "#report script, #report [onerror], #report .json b"
# What is clipped, or may not go on on the next page.
CUT_ON_PAPER = """
[...document.querySelectorAll("#report *")]
  .filter((each) => each.checkVisibility() && !each.matches(".visually-hidden, .visually-hidden *"))
  .filter((each) => {
    const { overflowY, contain } = getComputedStyle(each);
    const clips = /auto|scroll|hidden/.test(overflowY) && each.scrollHeight > each.clientHeight + 1;
    return clips || /paint|content|strict|size/.test(contain);
  })
  .map((each) => each.className)
"""


async def test_hostile_answers_run_nothing_and_break_nothing(
    page, seed, a_run, a_config, no_sideways_scroll, explore
):
    config = a_config(3, 8).model_copy(update={"extraction_prompt": ATTACK * 3})
    config.models[0] = config.models[0].model_copy(update={"name": f"{ATTACK}{'W' * 300}"})
    ids = [model.id for model in config.models]
    deep = "[" * 100 + json.dumps(ATTACK) + "]" * 100
    outputs = [
        ATTACK,
        deep,
        "x" * 50_000,
        "\n".join(["<b>line</b>"] * 10_000),
        json.dumps({ATTACK: ["y" * 3000]}),
    ]
    diffs = [
        {"path": f'a["{ATTACK}"]', "kind": "extra", "actual": {"<b>": ATTACK}, "rescued_by": "<i>new</i>"}
    ]
    runs = [
        a_run(model, 0, run, right=False, diffs=diffs, output=output, provider=ATTACK, error=ATTACK * 5)
        for model in ids
        for run, output in enumerate(outputs[:3])
    ]
    runs += [
        a_run(ids[0], 1, run, right=False, diffs=diffs, output=output)
        for run, output in enumerate(outputs[2:])
    ]
    report = await seed(config, runs)
    await page.set_viewport_size({"width": 390, "height": 844})
    await explore(page, report)
    await no_sideways_scroll(page)
    for image in ("0", "1"):
        await page.get_by_role("combobox", name="Image", exact=True).select_option(image)
        whole = page.get_by_role("button", name="Show the whole answer")
        for left in reversed(range(await whole.count())):
            await whole.first.click()
            await expect(whole).to_have_count(left)
        await no_sideways_scroll(page)
    await page.get_by_role("combobox", name="Image", exact=True).select_option("0")
    await expect(page.locator(".unseen", has_text="U+202E").first).to_be_visible()
    assert (
        await page.evaluate(
            "document.querySelectorAll('#report script, #report [onerror], #report b b').length"
        )
        == 0
    )


async def test_without_scripts_all_of_it_can_be_read(open_page, small, no_sideways_scroll):
    page = await open_page(java_script_enabled=False)
    await page.goto(f"/report/{small.share_token}")
    await expect(page.locator("#runs tbody tr")).to_have_count(72)
    await expect(page.locator("#ranking thead")).to_contain_text("Right, relaxed")
    await expect(page.get_by_role("button")).to_have_count(0)
    await page.set_viewport_size({"width": 390, "height": 844})
    await no_sideways_scroll(page)


async def test_on_paper_the_tables_are_open_and_nothing_is_cut(page, small, explore):
    await explore(page, small)
    await page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    await page.emulate_media(media="print")
    await expect(page.locator("#cost table")).to_be_visible()
    await expect(page.get_by_role("navigation")).to_be_hidden()
    await expect(page.locator("#downloads")).to_be_hidden()
    await expect(page.locator(".report .json")).to_have_count(4)
    assert await page.evaluate(CUT_ON_PAPER) == []
    assert len(await page.pdf(format="A4")) > 20_000
