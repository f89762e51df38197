from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field


class CheckoutRequest(BaseModel):
    draft_id: Annotated[str, Field(max_length=100)]


class Payable(BaseModel):
    """Where to pay."""

    url: str
    session_id: str


class PaymentStatus(StrEnum):
    """How a payment stands for its customer. `processing`: paid, and the report is not there yet."""

    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    EXPIRED = "expired"


class PaymentView(BaseModel):
    """`returned`, for our own pages: something was paid, and it goes back."""

    status: PaymentStatus
    report_id: UUID | None = None
    draft_id: UUID
    returned: Annotated[bool, Field(exclude=True)] = False
