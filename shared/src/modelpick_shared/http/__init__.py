"""What every service's HTTP side shares: problem documents, origin check, health, metrics, sign-in."""

from modelpick_shared.http.app import ServiceApp, create_app
from modelpick_shared.http.problems import Problem
from modelpick_shared.http.serve import run_service
from modelpick_shared.http.sessions import CurrentUser, SessionReader, current_user

__all__ = [
    "CurrentUser",
    "Problem",
    "ServiceApp",
    "SessionReader",
    "create_app",
    "current_user",
    "run_service",
]
