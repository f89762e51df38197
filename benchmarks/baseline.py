"""The engine that one writes in an afternoon: one process, a semaphore a model, nothing kept.

`python -m benchmarks.baseline API_URL` makes a report's 720 calls and prints how many seconds that took.
"""

import asyncio
import base64
import json
import os
import sys
import time

import httpx
from httpx_aiohttp import AiohttpTransport

from benchmarks.shapes import ANSWER, CALLS, IMAGE_BYTES, IMAGES, PER_MODEL, PROMPT, RUNS, whole_catalog


def body(model: str, image: str) -> bytes:
    content = [
        {"type": "text", "text": PROMPT},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}},
    ]
    messages = [{"role": "user", "content": content}]
    return json.dumps({"model": model, "max_tokens": 4096, "messages": messages}).encode()


async def run(url: str) -> float:
    images = [base64.b64encode(os.urandom(IMAGE_BYTES)).decode() for _ in range(IMAGES)]
    slots = {model.id: asyncio.Semaphore(PER_MODEL) for model in whole_catalog()}
    limits = httpx.Limits(max_connections=0)  # no limit, to aiohttp
    transport = AiohttpTransport(limits=limits)
    async with httpx.AsyncClient(transport=transport, timeout=120, trust_env=False) as client:

        async def call(model: str, image: str) -> bool:
            async with slots[model]:
                answer = await client.post(f"{url}/chat/completions", content=body(model, image))
                answer.raise_for_status()
                return bool(json.loads(answer.json()["choices"][0]["message"]["content"]) == ANSWER)

        started_s = time.perf_counter()
        jobs = [call(model, image) for _ in range(RUNS) for image in images for model in slots]
        answers = await asyncio.gather(*jobs)
        taken_s = time.perf_counter() - started_s
    if answers != [True] * CALLS:
        raise RuntimeError(f"only {sum(answers)} answers are right")
    return taken_s


if __name__ == "__main__":
    sys.stdout.write(str(asyncio.run(run(sys.argv[1]))))
