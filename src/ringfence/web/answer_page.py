"""The page behind the link of an SMS: it asks the cardholder what the call would ask.

Whoever has the link may answer, once and for a while. Looking at the page answers nothing, for
telephones and mail programs look at links by themselves.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.templating import Jinja2Templates

from ringfence import cards
from ringfence.cases import Case, Verdict, get_case
from ringfence.cases.case_texts import CaseText, text_of_link
from ringfence.cases.links import read_link
from ringfence.cases.texting import LinkAnswer, answer_link
from ringfence.cases.verdicts import UNSETTLED
from ringfence.storage import now
from ringfence.web.answer_wordings import AnswerWording, wording
from ringfence.web.front import is_same_site
from ringfence.web.services import Services

_templates = Jinja2Templates(directory=str(Path(__file__).with_name("pages")))


@dataclass(frozen=True, slots=True)
class _Asked:
    text: CaseText
    case: Case
    language: str


def add_answer_page(app: FastAPI, services: Callable[[], Services]) -> None:
    """Serve `/c/{link}`."""

    async def ask(request: Request) -> Response:
        asked = await asyncio.to_thread(_find, services(), request.path_params["link"])
        if asked is None:
            return _unknown(request)
        words = wording(asked.language)[1]
        if asked.text.answered_at is not None or asked.case.verdict not in (None, *UNSETTLED):
            return _page(request, asked, said=words.closed)
        return _page(request, asked)

    async def answer(request: Request) -> Response:
        origin = request.headers.get("origin")
        if origin is not None and not is_same_site(origin, request.headers.get("host")):
            return _unknown(request, 403)
        asked = await asyncio.to_thread(_find, services(), request.path_params["link"])
        if asked is None:
            return _unknown(request)
        answered = (await request.form()).get("answer")
        if answered not in (Verdict.LEGIT, Verdict.FRAUD):
            return _page(request, asked, status=422)
        verdict = Verdict(str(answered))
        taken = await asyncio.to_thread(_answer, services(), asked, verdict)
        words = wording(asked.language)[1]
        return _page(request, asked, *_said(words, taken, verdict))

    app.router.add_route("/c/{link}", ask, methods=["GET"], include_in_schema=False)
    app.router.add_route("/c/{link}", answer, methods=["POST"], include_in_schema=False)


def _said(words: AnswerWording, taken: LinkAnswer, verdict: Verdict) -> tuple[str, str]:
    if taken is LinkAnswer.NOT_TRUSTED:
        return words.not_trusted, words.next_steps
    if taken is LinkAnswer.CLOSED:
        return words.closed, ""
    if verdict is Verdict.FRAUD:
        return words.blocked, words.next_steps
    return words.confirmed, ""


def _find(services: Services, link: str) -> _Asked | None:
    link_id = read_link(services.vault, link, now())
    if link_id is None:
        return None
    with services.database.read() as connection:
        text = text_of_link(connection, link_id)
        if text is None:
            return None
        case = get_case(connection, text.case_id)
        customer = cards.get_customer(connection, case.customer_id)
        return _Asked(text, case, customer.language)


def _answer(services: Services, asked: _Asked, verdict: Verdict) -> LinkAnswer:
    with services.database.write() as connection:
        return answer_link(connection, asked.text, verdict, at=now())


def _unknown(request: Request, status: int = 404) -> Response:
    accepted = request.headers.get("accept-language", "").partition(",")[0].partition(";")[0]
    language, words = wording(accepted.strip() or "en")
    return _rendered(
        request, {"language": language, "words": words, "said": words.unknown, "facts": {}}, status
    )


def _page(
    request: Request, asked: _Asked, said: str = "", more: str = "", status: int = 200
) -> Response:
    language, words = wording(asked.language)
    attributes = asked.case.attributes
    amount = attributes.get("Amount", "")
    facts = {
        "payment": f"{attributes.get('Currency', '')} {amount}".strip() if amount else "",
        "merchant": attributes.get("Merchant", ""),
        "card": attributes.get("CardNo", ""),
        "reference": asked.case.reference,
    }
    question = words.question.format(bank=attributes.get("Bank", ""))
    content = {
        "language": language,
        "words": words,
        "question": question[:1].upper() + question[1:],
        "facts": facts,
        "said": said,
        "more": more,
    }
    return _rendered(request, content, status)


def _rendered(request: Request, content: dict[str, object], status: int) -> Response:
    nonce = secrets.token_urlsafe(12)
    return _templates.TemplateResponse(
        request,
        "answer.html",
        {**content, "nonce": nonce},
        status_code=status,
        headers={
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "content-security-policy": f"default-src 'none'; style-src 'nonce-{nonce}'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        },
    )
