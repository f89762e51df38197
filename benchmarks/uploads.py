"""How long an upload of a 5 MiB image takes: received, stripped, decoded elsewhere, stored, answered."""

import asyncio
import io
import random
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from PIL import Image

from benchmarks.figures import Figure
from benchmarks.machine import Meter, memory_mb
from benchmarks.stand import Process, Stand, Stores
from modelpick_local.ports import free_port
from modelpick_shared.db import Database
from modelpick_shared.db.tables import User, UserSession
from modelpick_shared.http.sessions import SESSION_COOKIE, token_hash
from modelpick_shared.ids import new_id

MIB = 1024 * 1024
LEAST_BYTES = 5 * MIB
MOST_MS = 500
REPEATS = 15
# One decoder is started ahead; before the first upload nothing was.
WARM_UP = 2
KINDS = {
    "JPEG": ((4000, 3000), "JPEG", {"quality": 87}),
    "progressive JPEG": ((4000, 3000), "JPEG", {"quality": 89, "progressive": True}),
    "PNG": ((2400, 2400), "PNG", {}),
}


def upload(stores: Stores) -> list[Figure]:
    """Upload images through the checkout service, one after the other, as a browser does."""
    with stores.stand() as stand, checkout(stand) as process:
        cookies = {SESSION_COOKIE: asyncio.run(sign_in(stand.database_url))}
        with httpx.Client(base_url=process.address, cookies=cookies, trust_env=False, timeout=60) as browser:
            return [figure(browser, process, kind) for kind in KINDS]


@contextmanager
def checkout(stand: Stand) -> Iterator[Process]:
    """Run the checkout service with a local folder as its image store."""
    with tempfile.TemporaryDirectory(prefix="modelpick-bench-") as folder:
        port = free_port()
        environment = {
            "SERVICE_HOST": "127.0.0.1",
            "SERVICE_PORT": str(port),
            "DATABASE_URL": stand.database_url,
            "RABBITMQ_URL": stand.broker_url,
            "IMAGE_STORE_URL": f"file://{folder}/images",
            "RATE_LIMIT_UPLOADS": "0",
            "LOG_LEVEL": "WARNING",
        }
        log = Path(folder) / "checkout.log"
        process = Process(["modelpick_checkout.main"], environment, f"http://127.0.0.1:{port}", log)
        try:
            process.wait_ready("/readyz")
            yield process
        finally:
            process.end()


async def sign_in(database_url: str) -> str:
    """Return the session token of a new customer."""
    token = secrets.token_urlsafe()
    ends_at = datetime.now(UTC) + timedelta(hours=1)
    async with (
        Database(database_url, application="bench") as database,
        database.transaction() as session,
    ):
        user = User(id=new_id(), email="bench@example.com")
        session.add(user)
        await session.flush()
        session.add(UserSession(token_hash=token_hash(token), user_id=user.id, expires_at=ends_at))
    return token


def figure(browser: httpx.Client, process: Process, kind: str) -> Figure:
    content = an_image(kind)
    for _ in range(WARM_UP):
        upload_ms(browser, content)
    meter = Meter({"checkout": process.pid})
    taken_ms = [upload_ms(browser, content) for _ in range(REPEATS)]
    now_mb, peak_mb = memory_mb(process.pid)
    notes = {"MiB": round(len(content) / MIB, 2), "service MB": round(now_mb), "at its peak": round(peak_mb)}
    each_ms = meter.each_ms(REPEATS)["CPU ms each, checkout"]
    return Figure(
        f"upload of a {kind} of 5 MiB",
        taken_ms,
        "ms",
        at_most=MOST_MS,
        notes={**notes, "CPU ms each, with decoders": each_ms},
    )


def upload_ms(browser: httpx.Client, content: bytes) -> float:
    """Upload into a new draft, and return how long that took."""
    draft_id = browser.post("/api/drafts").json()["id"]
    began_s = time.perf_counter()
    answer = browser.post(f"/api/drafts/{draft_id}/images", files={"file": ("photo", content)})
    taken_ms = 1000 * (time.perf_counter() - began_s)
    if answer.status_code != httpx.codes.CREATED:
        raise RuntimeError(f"the upload was refused: {answer.text}")
    return taken_ms


def an_image(kind: str) -> bytes:
    """Return an image that compresses as badly as a photograph, of at least 5 MiB."""
    size, file_format, options = KINDS[kind]
    width, height = size
    chance = random.Random(5)  # noqa: S311 - no secret
    grey = Image.frombytes("L", size, chance.randbytes(width * height))
    shown = grey if file_format == "PNG" else Image.blend(grey, Image.new("L", size, 128), 0.7).convert("RGB")
    file = io.BytesIO()
    shown.save(file, file_format, **options)
    if not LEAST_BYTES <= file.tell() < 2 * LEAST_BYTES:
        raise RuntimeError(f"the {kind} has {file.tell() / MIB:.1f} MiB")
    return file.getvalue()
