"""Whatever is asked of the interface, it answers as its description says, never with a fault of its own."""

import copy
from collections import defaultdict

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.schemas import APIOperation

from tests.cloud.registry.records import CRANE, PIT, Registry
from tests.cloud.site import raised, readings
from tests.cloud.web.described import DOCUMENT
from tests.support.waiting import PATIENCE_S

SCHEMA = schemathesis.openapi.from_dict(copy.deepcopy(DOCUMENT))
LEFT_OUT = {
    ("DELETE", "/api/v1/session"): "signs out whoever asks",
    ("GET", "/api/v1/sites/{site}/live"): "does not end",
}
EXAMPLES = 3
SEED = 20261127


@pytest.fixture
def filled(web, site):
    """A site with something of everything."""
    registry = Registry(web)
    registry.make("devices", CRANE)
    registry.make("pits", PIT)
    site.born().deliver(readings(3.0))
    site.deliver(raised())
    return {
        "site": "demo",
        "hazard": web.get("/sites/demo/hazards").json()["items"][0]["id"],
        "episode": web.get("/sites/demo/alarms").json()["items"][0]["id"],
        "gateway": "gw-1",
        "device": "crane-1",
        "tree": "territory",
    }


def operations() -> list[APIOperation]:
    return [found.ok() for found in SCHEMA.get_all_operations()]


@pytest.mark.timeout(400)
def test_no_request_finds_a_fault_or_an_answer_that_is_not_described(web, filled):
    wrong: dict[str, set[str]] = defaultdict(set)
    for operation in operations():
        if (operation.method.upper(), operation.path) not in LEFT_OUT:
            _try(web, operation, filled, wrong[f"{operation.method.upper()} {operation.path}"])
    assert not {name: found for name, found in wrong.items() if found}


def _try(web, operation: APIOperation, known: dict[str, str], wrong: set[str]) -> None:
    described = set(operation.definition.raw["responses"])

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.explicit, Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case) -> None:
        # What there is is found, and not only that there is no such thing.
        for name in known.keys() & (case.path_parameters or {}).keys():
            case.path_parameters[name] = known[name]
        answer = case.call(base_url=web.address, cookies=dict(web.client.cookies), timeout=PATIENCE_S)
        if answer.status_code >= 500 or str(answer.status_code) not in described:
            wrong.add(f"{answer.status_code} {answer.text[:200]}")

    ask()
