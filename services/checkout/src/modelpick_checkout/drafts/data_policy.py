"""Which models a draft's data policy leaves."""

from modelpick_shared.contracts.snapshot import ModelSpec


def allows(data_policy: str, model: ModelSpec) -> bool:
    """Say whether a model may be sent the customer's images.

    What is free is paid for with data: providers of free models may keep what they are sent and train on it,
    so `no_training` rules them out. Of the others, calls name only providers that do neither.
    """
    return data_policy != "no_training" or not (model.tier == "free" or model.id.endswith(":free"))
