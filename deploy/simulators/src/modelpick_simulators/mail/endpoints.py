from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response, status
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, Field

from modelpick_simulators.mail.mailbox import Mail, Mailbox
from modelpick_simulators.mail.smtp import FaultMode, Faults

router = APIRouter()


async def the_mailbox(request: Request) -> Mailbox:
    mailbox: Mailbox = request.app.state.mailbox
    return mailbox


UsesMailbox = Annotated[Mailbox, Depends(the_mailbox)]


class FaultSwitch(BaseModel):
    mode: FaultMode
    count: int | None = Field(default=None, ge=1)


async def found_mail(mail_id: int, mailbox: UsesMailbox) -> Mail:
    mail = mailbox.mail(mail_id)
    if mail is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "No such mail")
    return mail


@router.get("/", response_class=Response)
async def inbox_page(request: Request, mailbox: UsesMailbox) -> Response:
    return _templates(request).TemplateResponse(request, "inbox.html", {"mails": mailbox.mails()})


@router.get("/mails/{mail_id}", response_class=Response)
async def mail_page(request: Request, mail: Annotated[Mail, Depends(found_mail)]) -> Response:
    return _templates(request).TemplateResponse(request, "mail.html", {"mail": mail})


@router.get("/api/mails")
async def list_mails(
    mailbox: UsesMailbox, to: str = "", subject: str = ""
) -> dict[str, list[dict[str, Any]]]:
    return {"items": [mail.as_json() for mail in mailbox.mails(to=to, subject=subject)]}


@router.delete("/api/mails", status_code=status.HTTP_204_NO_CONTENT)
async def delete_mails(mailbox: UsesMailbox) -> None:
    mailbox.clear()


@router.post("/_control/faults", status_code=status.HTTP_204_NO_CONTENT)
async def switch_faults(wanted: FaultSwitch, request: Request) -> None:
    faults: Faults = request.app.state.faults
    faults.mode, faults.count = wanted.mode, wanted.count


def page_templates() -> Jinja2Templates:
    return Jinja2Templates(Path(__file__).parent / "templates")


def _templates(request: Request) -> Jinja2Templates:
    templates: Jinja2Templates = request.app.state.templates
    return templates
