from typing import Annotated

from pydantic import Field

from modelpick_shared.settings import (
    BenchmarkSettings,
    BrokerSettings,
    DatabaseSettings,
    ServiceSettings,
    StripeWebhookSettings,
)

_LIVE_KEYS = ("sk_live_", "rk_live_")


class WebhookSettings(
    ServiceSettings, DatabaseSettings, BrokerSettings, StripeWebhookSettings, BenchmarkSettings
):
    """What the webhook service reads from the environment; `reconcile_interval_s` in seconds."""

    reconcile_interval_s: Annotated[float, Field(gt=0)] = 600

    @property
    def live_mode(self) -> bool:
        """Say whether real money is meant: payments of the other mode are never fulfilled."""
        key = self.stripe_secret_key
        return key is not None and key.get_secret_value().startswith(_LIVE_KEYS)
