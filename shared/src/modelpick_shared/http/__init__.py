"""What every service's HTTP side shares: problem documents, origin check, health, metrics.

Sign-in is in `sessions`, apart: it needs the database, which the model worker has none of.
"""

from modelpick_shared.http.app import ServiceApp, create_app
from modelpick_shared.http.problems import Problem
from modelpick_shared.http.serve import run_service

__all__ = [
    "Problem",
    "ServiceApp",
    "create_app",
    "run_service",
]
