"""Errors of the HTTP interface: one shape for all of them (RFC 9457), each with a stable `type`."""

import logging
import secrets
from collections.abc import Mapping
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout
from pydantic import Field
from starlette.exceptions import HTTPException

from cloud.complaints import values_of
from cloud.media.sealing import SealError
from cloud.shown import Shown

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class FieldProblem(Shown):
    """What is wrong with one field of a request."""

    field: str = Field(examples=["body.name.zh"])
    message: str
    code: str = Field(description="Stable word for it, by which pages find words of their own.")
    values: dict[str, str | int | float | list[str]] = Field(
        default={}, description="What those words may name, such as a limit."
    )
    line: int | None = Field(default=None, description="Of a text that was sent, from 1.")
    mend: str | None = None


class Problem(Shown):
    """What went wrong."""

    type: str = Field(examples=["/problems/not-found"])
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] | None = Field(
        default=None, description="Of a request that was not understood."
    )
    trace: str | None = Field(default=None, description="Of a fault of ours: find it in the log by this.")


class ProblemError(Exception):
    """Raised anywhere below a route; answered as a `Problem`."""

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str = "",
        headers: Mapping[str, str] | None = None,
        *,
        field: str = "",
        code: str = "",
        values: Mapping[str, str | int | float | list[str]] | None = None,
        errors: list[FieldProblem] | None = None,
    ) -> None:
        """`slug` is the stable word by which programs know the problem; `field`: what of the request.

        `code` says more closely what is wrong with the field, and `values` what words for it may name.
        `errors` is for whoever knows more than one field.
        """
        super().__init__(f"{slug}: {detail or title}")
        self.status, self.slug, self.title, self.detail = status, slug, title, detail or title
        self.headers = dict(headers or {})
        self.errors = errors or None
        if field and not errors:
            said = FieldProblem(
                field=field, message=self.detail, code=code or slug, values=dict(values or {})
            )
            self.errors = [said]


def not_found(what: str) -> ProblemError:
    """The same answer whether it does not exist or may not be seen."""
    return ProblemError(404, "not-found", "Not found", f"There is no such {what}.")


def answer(problem: ProblemError, **more: Any) -> JSONResponse:
    """The response to a problem."""
    body = Problem(
        type=f"/problems/{problem.slug}",
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        **more,
    )
    return JSONResponse(
        body.model_dump(exclude_none=True), problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, text in {
        401: "Nobody is signed in",
        403: "Not allowed",
        404: "There is no such thing",
        413: "Larger than a request may be",
        422: "The request was not understood",
        429: "Too many requests or tries; `Retry-After` says when to come again",
        503: "The database is away",
    }.items()
}
"""What any route may answer besides its own."""
PICTURES_CLOSED: dict[int | str, dict[str, Any]] = {
    503: RESPONSES[503]
    | {"description": "The database is away, or the key of unredacted pictures is missing"}
}
"""What a route may that opens or seals pictures."""

_OF_STATUS = {
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method not allowed"),
    413: ("too-large", "Too large"),
    415: ("unsupported-media-type", "Unsupported media type"),
}


def install(app: FastAPI) -> None:
    """Answer every kind of error as a problem."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(psycopg.DataError, _on_refused_value)
    app.add_exception_handler(psycopg.OperationalError, _on_database_away)
    app.add_exception_handler(PoolTimeout, _on_database_away)
    app.add_exception_handler(SealError, _on_pictures_closed)


async def _on_problem(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, ProblemError)  # noqa: S101  registered for it
    return answer(exc, errors=exc.errors)


async def _on_http_exception(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)  # noqa: S101  registered for it
    slug, title = _OF_STATUS.get(exc.status_code, ("refused", "Refused"))
    return answer(ProblemError(exc.status_code, slug, title, str(exc.detail), exc.headers))


async def _on_invalid(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)  # noqa: S101  registered for it
    errors = [
        FieldProblem(
            field=".".join(map(str, error["loc"])),
            message=str(error["msg"]),
            code=error["type"],
            values=values_of(error.get("ctx")),
        )
        for error in exc.errors()
    ]
    detail = "; ".join(f"{error.field}: {error.message}" for error in errors)
    return answer(ProblemError(422, "invalid", "The request was not understood", detail), errors=errors)


async def _on_refused_value(request: Request, exc: Exception) -> JSONResponse:
    """A NUL in an address, a number beyond all bounds: what no column takes, nothing is named by."""
    # Its first line alone: those below repeat the value, which may be a secret.
    log.warning("value refused path=%r cause=%s", request.url.path, str(exc).partition("\n")[0])
    detail = "It holds a value that cannot be stored or looked for."
    return answer(ProblemError(422, "invalid", "The request was not understood", detail))


async def _on_database_away(_: Request, exc: Exception) -> JSONResponse:
    log.warning("database away cause=%s", str(exc).replace("\n", " "))
    problem = ProblemError(
        503, "database-away", "The database is away", "Try again in a moment.", {"Retry-After": "2"}
    )
    return answer(problem)


async def _on_pictures_closed(request: Request, exc: Exception) -> JSONResponse:
    """Which file it is stands in the log alone: gateways ask without being known."""
    log.error("pictures cannot be opened or sealed path=%s: %s", request.url.path, exc)
    detail = (
        "The key of unredacted pictures is not there, or is another one than they rest under: put it back "
        "from its backup. The cloud's log names the file."
    )
    return answer(ProblemError(503, "pictures-closed", "The key of pictures is missing", detail))


def answer_fault(method: str, path: str, exc: Exception) -> JSONResponse:
    """The response to an error that nobody expected; what it was stands in the log alone."""
    trace = secrets.token_hex(6)
    log.error("fault trace=%s method=%s path=%s", trace, method, path, exc_info=exc)
    problem = ProblemError(500, "fault", "A fault of the server", f"It is logged under {trace}.")
    return answer(problem, trace=trace)
