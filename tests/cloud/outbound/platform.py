"""Another platform, and what the tests of handing on do with it."""

import http.server
import ipaddress
import json
import threading

from tests.cloud.hazards.people import SIGNATURE
from tests.support.visited import VisitedServer

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
KEY = "a key of both sides"
ALL = ["hazard_major", "hazard_update", "hazard_closed", "incident_details", "inspection", "report"]
WHOLE = {"name": "省平台", "kind": "http", "wants": ["hazard_major"]}
MAPPING = """
kinds:
  hazard_major:
    YHBH: number
    XMMC: site.name
    YHDJ: {from: level, codes: {major: "1", general: "2"}}
    LY: {value: "31"}
required: [YHBH]
"""


class Platform:
    """Another platform: notes what it gets, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict, dict]] = []
        self.answers: list[str] = []
        self.cannot_take = ""
        """What says this it answers with a fault, however often."""
        self.is_waiting, self.may_answer = threading.Event(), threading.Event()
        platform = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                platform.got.append((dict(self.headers), json.loads(body)))
                said = platform.answers.pop(0) if platform.answers else "accepted"
                if platform.cannot_take and platform.cannot_take in body.decode():
                    said = "500"
                if said == "silence":
                    self.connection.close()
                    return
                got = json.loads(body)
                receipt = {"id": got["id"], "hash": got["hash"], "result": said, "code": "R1", "text": "收"}
                if said == "nonsense in a receipt":
                    receipt |= {"result": "accepted", "text": "收\0" + "x" * 9000}
                answer = json.dumps(receipt).encode() if "accepted" in receipt["result"] else b"\0?"
                if said == "rejected":
                    answer = json.dumps(receipt).encode()
                if said == "keeps waiting":
                    platform.is_waiting.set()
                    platform.may_answer.wait(60)
                    return
                self.send_response(int(said) if said.isdigit() else 503 if said == "busy" else 200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_) -> None:
                pass

        self.server = VisitedServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/take"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def connected(web, **changes) -> dict:
    given = {**WHOLE, "wants": ALL, "key": KEY, **changes}
    answer = web.post("/outbound/connectors", json=given)
    assert answer.status_code == 201, answer.text
    return answer.json()


def changed(web, connector: dict, **changes) -> None:
    seen = next(one for one in web.get("/outbound").json()["items"] if one["id"] == connector["id"])
    given = {name: seen[name] for name in ("name", "kind", "wants", "url", "mapping", "is_on")}
    etag = {"If-Match": f'"{seen["version"]}"'}
    path = f"/outbound/connectors/{connector['id']}"
    assert web.put(path, json={**given, **changes}, headers=etag).is_success


def major(officer, **changes) -> str:
    given = {
        "category": "lifting", "content": "塔机标准节螺栓缺失", "potential_accident": "collapse",
        "location": "1 号塔机", "source_detail": "public", "level": "major",
        "clause": {"edition": "2022", "id": "8-5"}, "signature": SIGNATURE,
    }  # fmt: skip
    answer = officer.client.post("sites/demo/hazards", json={**given, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def packages(web, **asked) -> list[dict]:
    return web.get("/outbound/packages", params=asked).json()["items"][::-1]
