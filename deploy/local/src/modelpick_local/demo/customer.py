"""A customer of the site, step by step: only its address, a mailbox and a card are known to them."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx
from pydantic import JsonValue, TypeAdapter

from modelpick_local.demo.errors import DemoError, RefusedError
from modelpick_local.demo.events import ServerEvent, server_events
from modelpick_local.demo.forms import form_of
from modelpick_local.demo.inbox import Inbox
from modelpick_local.demo.patience import patiently
from modelpick_local.demo.schemas import Document, Draft, Estimate, Mail, Model, Payable, Payment, Report
from modelpick_local.demo.site import accepted, browser
from modelpick_local.demo.upload import Upload

SIGN_IN_SUBJECT = "Sign in"
READY_SUBJECT = "report is ready"
CARD = {"cc-number": "4242424242424242", "cc-exp": "12 / 34", "cc-csc": "123", "cc-name": "Ada Example"}
_RECONNECT_S = 0.5
_SILENCE_S = 40.0  # the site sends a comment every 15 s
_MODELS = TypeAdapter(list[Model])


class Customer:
    """One person in front of a browser."""

    def __init__(self, client: httpx.AsyncClient, mail_url: str, email: str) -> None:
        self.client = client
        self.email = email
        self.inbox = Inbox(client, mail_url, email)

    @classmethod
    @asynccontextmanager
    async def visiting(cls, site_url: str, mail_url: str, email: str) -> AsyncIterator[Self]:
        async with browser(site_url) as client:
            yield cls(client, mail_url, email)

    async def sign_in(self) -> Mail:
        """Ask for a link, follow it, and return the mail that it came in."""
        seen = await self.inbox.newest_id()
        await self._post("/api/auth/magic-link", {"email": self.email})
        mail = await self.inbox.next_mail(SIGN_IN_SUBJECT, after=seen)
        await self._post("/api/auth/verify", {"token": _token_in(mail)})
        return mail

    async def models(self) -> Sequence[Model]:
        return _MODELS.validate_python((await self._get("/api/models")).json()["items"])

    async def new_draft(self, name: str = "") -> Draft:
        return Draft.model_validate((await self._post("/api/drafts", {"name": name})).json())

    async def upload(self, draft_id: str, upload: Upload) -> None:
        """Upload an image with the JSON that a perfect model would return."""
        accepted(
            await self.client.post(
                f"/api/drafts/{draft_id}/images",
                files={"file": (upload.name, upload.content, upload.media_type)},
                data={"expected_json": json.dumps(upload.expected)},
            )
        )

    async def change(self, draft_id: str, **changes: JsonValue) -> Draft:
        answer = accepted(await self.client.patch(f"/api/drafts/{draft_id}", json=changes))
        return Draft.model_validate(answer.json())

    async def infer_schema(self, draft_id: str) -> dict[str, JsonValue]:
        answer = await self._post(f"/api/drafts/{draft_id}/infer-schema")
        schema: dict[str, JsonValue] = answer.json()["json_schema"]
        return schema

    async def prepare_draft(self, uploads: Sequence[Upload], model_ids: Sequence[str], prompt: str) -> Draft:
        """Make a draft that is ready to be paid for. Raises DemoError when the site finds fault with it."""
        draft = await self.new_draft("Receipts")
        for upload in uploads:
            await self.upload(draft.id, upload)
        schema = await self.infer_schema(draft.id)
        draft = await self.change(
            draft.id, selected_models=list(model_ids), extraction_prompt=prompt, json_schema=schema
        )
        if draft.status != "ready":
            raise DemoError(f"the draft is not ready: {draft.problems}")
        return draft

    async def estimate(self, draft_id: str) -> Estimate:
        return Estimate.model_validate((await self._get(f"/api/drafts/{draft_id}/estimate")).json())

    async def check_out(self, draft_id: str) -> Payable:
        return Payable.model_validate((await self._post("/api/checkout", {"draft_id": draft_id})).json())

    async def pay(self, payable: Payable) -> None:
        """Pay on the hosted page and go where it leads: back to the site."""
        accepted(await self.client.get(await self.enter_card(payable)))

    async def enter_card(self, payable: Payable) -> str:
        """Send the hosted page's form; return the address that it leads to. Raises RefusedError."""
        page = accepted(await self.client.get(payable.url))
        form = form_of(page.text, payable.url)
        entries = {**CARD, "email": self.email}
        paid = await self.client.request(form.method, form.action, data=form.filled(entries))
        if not paid.is_redirect:
            raise RefusedError("paying", paid.status_code, "the payment page did not lead back to the site")
        return paid.headers["Location"]

    async def payment(self, session_id: str) -> Payment:
        return Payment.model_validate((await self._get(f"/api/checkout/sessions/{session_id}")).json())

    async def report_of(self, session_id: str, *, within_s: float = 30.0) -> str:
        """Wait until a payment has become a report; return the report's id. Raises TooLateError."""

        async def report_id() -> str | None:
            payment = await self.payment(session_id)
            return payment.report_id if payment.status == "paid" else None

        return await patiently(report_id, for_what="the report of the payment", within_s=within_s)

    async def buy(self, uploads: Sequence[Upload], model_ids: Sequence[str], prompt: str) -> str:
        """Go from nothing to a paid report; return its id."""
        draft = await self.prepare_draft(uploads, model_ids, prompt)
        payable = await self.check_out(draft.id)
        await self.pay(payable)
        return await self.report_of(payable.session_id)

    async def watch(self, report_id: str) -> AsyncGenerator[Report]:
        """Yield how the report stands, from now to its end; connect again whenever the stream is cut."""
        last_id: str | None = None
        while True:
            try:
                async for event in self.events(report_id, last_id):
                    last_id = event.id or last_id
                    report = Report.model_validate_json(event.data)
                    yield report
                    if event.name == "complete":
                        return
            except (httpx.TransportError, RefusedError) as error:
                if isinstance(error, RefusedError) and error.status < httpx.codes.INTERNAL_SERVER_ERROR:
                    raise
            await asyncio.sleep(_RECONNECT_S)

    async def await_progress(self, report_id: str, share: float = 1.0) -> Report:
        """Watch until this share of the runs is done, or the report has ended; return how it stands."""
        async with aclosing(self.watch(report_id)) as states:
            async for report in states:
                if report.is_over or (share < 1 and report.completed_jobs >= share * report.total_jobs):
                    return report
        raise DemoError(f"report {report_id} was watched to its end without having ended")

    async def events(self, report_id: str, last_id: str | None = None) -> AsyncGenerator[ServerEvent]:
        """Yield the events of one connection, as they come; `last_id` is that of the last one seen."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        address = f"/api/reports/{report_id}/events"
        timeout = httpx.Timeout(_SILENCE_S)
        async with self.client.stream("GET", address, headers=headers, timeout=timeout) as answer:
            if answer.is_error:
                await answer.aread()
            async for event in server_events(accepted(answer).aiter_lines()):
                yield event

    async def report(self, report_id: str) -> Report:
        return Report.model_validate((await self._get(f"/api/reports/{report_id}")).json())

    async def document(self, report_id: str) -> Document:
        return Document.model_validate((await self._get(f"/api/reports/{report_id}/document")).json())

    async def _get(self, address: str) -> httpx.Response:
        return accepted(await self.client.get(address))

    async def _post(self, address: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return accepted(await self.client.post(address, json=body))


def _token_in(mail: Mail) -> str:
    """Return the token of the link in a mail's text."""
    links = [word for word in mail.text.split() if "/auth/verify?" in word]
    if not links:
        raise DemoError(f"there is no link in the mail `{mail.subject}`")
    return parse_qs(urlsplit(links[0]).query)["token"][0]
