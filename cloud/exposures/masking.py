"""Pictures in which somebody has covered what must not go out, until they are prepared with it."""

import hashlib

from psycopg.rows import dict_row

from cloud.accounts.model import Signed
from cloud.accounts.roles import roles_with
from cloud.database import connect, instant
from cloud.evidence import media
from cloud.exposures import store
from cloud.hazards.staging import stage_photo
from cloud.problems import ProblemError, not_found
from cloud.serving import Serving


def put_masked(serving: Serving, signed: Signed, hazard: object, given: bytes) -> None:
    """Keep it where photos wait that belong to no record yet; a problem where it is no JPEG."""
    try:
        content = media.without_metadata(given).content if media.media_of(given) is media.JPEG else None
    except media.NotTakenError:
        content = None
    if content is None:
        detail = "The file is no JPEG."
        raise ProblemError(415, "unsupported-media-type", "Not a file that is taken", detail, field="body")
    asked = {"account": signed.account_id, "roles": roles_with(store.PREPARES), "hazard": hazard}
    with connect(serving.dsn) as connection, connection.transaction():
        record = connection.cursor(row_factory=dict_row).execute(store.HAZARD, asked).fetchone()
        if record is None:
            raise not_found("hazard")
        stage_photo(
            connection,
            {
                "site": record["site"],
                "account": signed.account_id,
                "given_sha256": hashlib.sha256(given).digest(),
                "kind": "photo",
                "media_type": media.JPEG.media_type,
                "content": content,
                "taken_out": len(given) - len(content),
                "at": instant(serving.now_ms()),
            },
        )
