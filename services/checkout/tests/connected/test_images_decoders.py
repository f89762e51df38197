"""The processes in which images are decoded: what they may do, and that they always end."""

import asyncio
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from modelpick_checkout.errors import DecoderUnavailableError, UnsupportedImageError, UnusableImageError
from modelpick_checkout.images import decoders as decoders_module
from modelpick_checkout.images.decoders import DecodeLimits, Decoders, _Decoder
from modelpick_checkout.images.inspection import inspect_image
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.connected

MIB = 1024 * 1024
SERVICE = """
import asyncio, sys
from modelpick_checkout.images.decoders import Decoders

async def main():
    async with Decoders() as decoders:
        print((await decoders._spare)._process.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
async def decoders():
    async with Decoders() as decoders:
        yield decoders


def saved(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def slow():
    """Return a JPEG that takes seconds on any machine: 40 megapixels of noise, gone over 96 times."""
    noise = Image.effect_noise((1000, 1000), 60).resize((8000, 5000), Image.Resampling.NEAREST)
    content = saved(noise, "JPEG", progressive=True, quality=30)
    first_scan, end = content.index(b"\xff\xda"), content.rindex(b"\xff\xd9")
    scans = content[first_scan:end]
    return content[:first_scan] + scans * (96 // scans.count(b"\xff\xda")) + content[end:]


def runs(pid):
    """Say whether a process runs: one that has ended may wait for somebody to ask how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_what_comes_back_is_what_inspecting_gives(decoders, kind):
    for mode in ("1", "L", "P", "RGB", "RGBA", "CMYK", "I;16"):
        try:
            content = saved(Image.new(mode, (70, 50)), kind)
        except (OSError, ValueError):
            continue  # not a mode of this kind
        assert await decoders.inspect(content) == inspect_image(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_what_a_camera_held_upright_writes_comes_back(decoders, kind):
    """A camera's JPEG has no resolution but in EXIF, where Pillow looks with what it loads for that alone."""
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(Image.new("RGB", (70, 50)), kind, exif=exif)
    inspected = await decoders.inspect(content)
    assert inspected == inspect_image(content)
    with Image.open(io.BytesIO(inspected.content)) as image:
        assert image.getexif()[0x0112] == 6


async def test_refusals_come_back_as_they_are(decoders):
    with pytest.raises(UnsupportedImageError):
        await decoders.inspect(b"%PDF-1.7")
    with pytest.raises(UnusableImageError, match="damaged"):
        await decoders.inspect(saved(Image.new("L", (70, 50)))[:-20])
    with pytest.raises(UnusableImageError, match="40 megapixels"):
        await decoders.inspect(saved(Image.new("1", (8000, 5001))))


async def test_a_decoder_has_no_environment_no_files_and_limits(decoders, monkeypatch):
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_canary")
    decoder = await _Decoder.start(DecodeLimits())
    process = Path(f"/proc/{decoder._process.pid}")
    try:
        assert (process / "environ").read_bytes() == b""
        assert sorted(file.name for file in (process / "fd").iterdir()) == ["0", "1", "2"]
        limits = (process / "limits").read_text()
        assert f"Max address space         {1024 * MIB} " in limits
        assert "Max open files            3 " in limits
        assert "Max cpu time              5 " in limits
        assert "Max file size             0 " in limits
    finally:
        await decoder.end()


async def test_no_decoder_sees_two_images(decoders):
    pids = set()
    for shade in range(3):
        pids.add((await decoders._spare)._process.pid)
        await decoders.inspect(saved(Image.new("L", (5, 5), shade)))
    assert len(pids) == 3
    await eventually(lambda: not any(runs(pid) for pid in pids))


async def test_an_image_that_keeps_a_decoder_busy_is_given_up():
    async with Decoders(DecodeLimits(cpu_s=1)) as decoders:
        with pytest.raises(UnusableImageError, match="too long"):
            await decoders.inspect(slow())
        await decoders.inspect(saved(Image.new("L", (5, 5))))


async def test_an_image_that_takes_long_whatever_for_is_given_up():
    async with Decoders(DecodeLimits(cpu_s=60, wall_s=1)) as decoders:
        with pytest.raises(UnusableImageError, match="too long"):
            await decoders.inspect(slow())


async def test_a_decoder_that_stands_still_is_given_up(monkeypatch):
    monkeypatch.setattr(decoders_module, "_GRACE_S", 0.1)
    async with Decoders(DecodeLimits(wall_s=1)) as decoders:
        decoder = await decoders._spare
        os.kill(decoder._process.pid, signal.SIGSTOP)
        with pytest.raises(UnusableImageError, match="too long"):
            await decoders.inspect(saved(Image.new("L", (5, 5))))
    assert decoder._process.returncode == -signal.SIGKILL


async def test_an_image_that_needs_too_much_memory_is_given_up():
    async with Decoders(DecodeLimits(memory_bytes=150 * MIB)) as decoders:
        with pytest.raises(UnusableImageError, match="too much memory"):
            await decoders.inspect(saved(Image.new("RGB", (8000, 5000))))
        await decoders.inspect(saved(Image.new("L", (5, 5))))


async def test_an_image_at_the_limit_fits_into_the_memory(decoders):
    greediest = (("JPEG", "CMYK", {"progressive": True}), ("WEBP", "RGBA", {"lossless": True, "method": 0}))
    for kind, mode, options in greediest:
        content = saved(Image.new(mode, (8000, 5000)), kind, **options)
        assert (await decoders.inspect(content)).facts.width == 8000


@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGSEGV, UnusableImageError), (signal.SIGKILL, DecoderUnavailableError)],
)
async def test_how_a_decoder_died_says_whose_fault_it_was(number, error):
    decoder = await _Decoder.start(DecodeLimits())
    os.kill(decoder._process.pid, number)
    with pytest.raises(error):
        await decoder.inspect(saved(Image.new("L", (5, 5))))
    await decoder.end()


async def test_a_decoder_that_was_killed_meanwhile_is_replaced(decoders):
    os.kill((await decoders._spare)._process.pid, signal.SIGKILL)
    assert (await decoders.inspect(saved(Image.new("L", (5, 5))))).facts.width == 5


async def test_an_upload_that_is_broken_off_ends_its_decoder(decoders):
    decoder = await decoders._spare
    inspecting = asyncio.create_task(decoders.inspect(slow()))
    await eventually(decoder._input.is_closing)
    inspecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await inspecting
    assert decoder._process.returncode == -signal.SIGKILL


async def test_many_at_once_are_all_inspected_and_nothing_is_left_running():
    async with Decoders() as decoders:
        images = [saved(Image.new("L", (50, 50), shade)) for shade in range(12)]
        inspected = await asyncio.gather(*map(decoders.inspect, images))
        spare = (await decoders._spare)._process.pid
    assert [image.content for image in inspected] == images
    assert not runs(spare)


async def test_a_decoder_that_cannot_start_is_the_machines_fault():
    async with Decoders(DecodeLimits(memory_bytes=2**70)) as decoders:
        with pytest.raises(DecoderUnavailableError):
            await decoders.inspect(saved(Image.new("L", (5, 5))))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_decoder_outlives_the_service(number):
    with subprocess.Popen([sys.executable, "-c", SERVICE], stdout=subprocess.PIPE) as service:
        pid = int(service.stdout.readline())
        assert runs(pid)
        service.send_signal(number)
    asyncio.run(eventually(lambda: not runs(pid)))
