from typing import Annotated
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, Field


def _normalised(address: str) -> str:
    """Return the address in the one spelling that an account has: ASCII and lower case."""
    try:
        # Nothing is asked of the network here, and domains such as `.test` are as good as others.
        # Spaces come with copying. Line ends are refused: they have no place in a mail's header.
        checked = validate_email(
            address.strip(" "), check_deliverability=False, allow_smtputf8=False, test_environment=True
        )
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    return (checked.ascii_email or checked.normalized).lower()


class MagicLinkRequest(BaseModel):
    email: Annotated[str, Field(max_length=254), AfterValidator(_normalised)]


class VerifyRequest(BaseModel):
    token: Annotated[str, Field(min_length=1, max_length=200)]


class Verified(BaseModel):
    email: str


class Me(BaseModel):
    id: UUID
    email: str
