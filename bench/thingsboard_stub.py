"""The few calls that ThingsBoard's gateway wants answered before it publishes anything, answered. Pure."""

import json

_LIMITS = {
    "maxPayloadSize": 65536,
    "maxInflightMessages": 100,
    "rateLimits": {},
    "gatewayRateLimits": {"messages": "", "telemetryMessages": "", "telemetryDataPoints": ""},
}


def answer(topic: str, body: bytes) -> tuple[str, str] | None:
    """Topic and body of what ThingsBoard would answer; `None` for what it only takes."""
    match topic.split("/"):
        case ["v1", "devices", "me", "rpc", "request", number]:
            if json.loads(body).get("method") == "getSessionLimits":
                return f"v1/devices/me/rpc/response/{number}", json.dumps(_LIMITS)
        case ["v1", "devices", "me", "attributes", "request", number]:
            return f"v1/devices/me/attributes/response/{number}", "{}"
        case ["v1", "gateway", "attributes", "request"]:
            asked = json.loads(body)
            said = {"id": asked.get("id"), "device": asked.get("device"), "values": {}}
            return "v1/gateway/attributes/response", json.dumps(said)
    return None
