"""The checked-in description of the interface is that of the program."""

import json
from pathlib import Path

from tests.cloud.web.described import DOCUMENT

CHECKED_IN = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"
FILES = {
    "text/html",
    "image/jpeg",
    "text/event-stream",
    "application/zip",
    "image/png",
    "text/csv",
    "application/octet-stream",
}


def test_the_checked_in_document_is_up_to_date():
    mend = "run: sitewarden cloud openapi > docs/reference/openapi.json"
    assert json.loads(CHECKED_IN.read_text(encoding="utf-8")) == DOCUMENT, mend


def test_it_is_openapi_3_1_and_every_answer_has_a_model():
    assert DOCUMENT["openapi"].startswith("3.1")
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            good = {status: r for status, r in operation["responses"].items() if status.startswith("2")}
            assert good, (method, path)
            for status, response in good.items():
                media = response.get("content", {})
                if method == "head" or status == "204" or not FILES.isdisjoint(media):
                    continue
                assert "$ref" in media["application/json"]["schema"], (method, path)


def test_every_operation_tells_of_problems():
    for operations in DOCUMENT["paths"].values():
        for operation in operations.values():
            schema = operation["responses"]["404"]["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}
    assert DOCUMENT["components"]["schemas"]["Problem"]["required"] == ["type", "title", "status", "detail"]
