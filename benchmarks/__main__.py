"""`python -m benchmarks [NAME...]`: medians of several runs, as ratios or rates, with targets."""

import argparse
import json
import logging
import sys
from collections.abc import Callable

import structlog

from benchmarks import (
    documents,
    fairness,
    gateway,
    latency,
    recording,
    reports,
    scoring,
    streams,
    uploads,
    webhook,
    workers,
)
from benchmarks.figures import Figure
from benchmarks.stand import Stores, stores

BENCHMARKS: dict[str, Callable[[Stores], list[Figure]]] = {
    "report": reports.report,
    "lognormal": reports.lognormal,
    "fairness": fairness.fairness,
    "latency": latency.latency,
    "recording": recording.recording,
    "scoring": scoring.scoring,
    "upload": uploads.upload,
    "worker": workers.worker,
    "memory": workers.memory,
    "webhook": webhook.webhook,
    "document": documents.document,
    "gateway": gateway.gateway,
    "streams": streams.streams,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--json", action="store_true", help="print JSON for programs, an object a line")
    parser.add_argument("--check", action="store_true", help="fail when a target is missed")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    say_little()
    figures = measure(arguments.names or list(BENCHMARKS), as_json=arguments.json)
    return int(arguments.check and any(figure.met is False for figure in figures))


def say_little() -> None:
    """Keep what the measured parts log away from standard output, which is for figures."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def measure(names: list[str], *, as_json: bool) -> list[Figure]:
    figures = []
    with stores() as servers:
        for name in names:
            for figure in BENCHMARKS[name](servers):
                figures.append(figure)
                text = json.dumps(figure.as_json()) if as_json else figure.line()
                sys.stdout.write(f"{text}\n")
                sys.stdout.flush()
    return figures


if __name__ == "__main__":
    sys.exit(main())
