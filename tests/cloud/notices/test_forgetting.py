"""What is old is deleted, a batch at a time; what is open or evidence stays."""

from cloud.notices import forgetting
from cloud.notices.bounds import bounds
from cloud.notices.forgetting import ForgettingNotices
from sitewarden.rules import HazardProposal
from tests.cloud.notices.test_telling import account
from tests.cloud.site import PROPOSAL, now_ms, raised

FOLDING_MS = bounds().folding.group_s[3] * 1000 + 1_000
MAJOR = HazardProposal(
    category=PROPOSAL.category, level="major_proposed", potential_accident=PROPOSAL.potential_accident
)


def test_old_notices_go_by_batches_and_what_is_open_or_of_a_major_hazard_stays(
    site, channel, notify, robot, monkeypatch
):
    monkeypatch.setattr(forgetting, "_MOST", 2)
    account(site, "小张", "safety_officer", at="demo")
    channel()
    site.born()
    for n in range(5):
        site.deliver(raised(device=f"crane-{n}", hazard=None, level=3))
    site.deliver(
        raised(device="crane-8", hazard=MAJOR, level=3), raised(device="crane-9", hazard=None, level=3)
    )
    notify()
    site.rows("UPDATE notice SET state = 'waiting' WHERE device = 'crane-9' RETURNING 1")
    site.rows("UPDATE told SET due_at = NULL, created_at = now() - interval '401 days' RETURNING 1")
    site.rows("UPDATE notice SET created_at = now() - interval '401 days' RETURNING 1")
    site.rows("UPDATE told SET due_at = now() WHERE device = 'crane-4' RETURNING 1")
    forget = ForgettingNotices(400)
    left = []
    for _ in range(5):
        forget(site.connection, now_ms())
        left.append(site.value("SELECT count(*) FROM notice"))
    assert left == [5, 3, 2, 2, 2], "two a look, until only what must stay is left"
    kept = site.rows("SELECT device FROM told ORDER BY device")
    assert kept == [("crane-4",), ("crane-8",)]
    assert site.value("SELECT count(*) FROM told_person") == 2
    assert site.value("SELECT count(*) FROM episode") == 7


def test_a_digest_stays_with_what_it_tells_of(site, channel, notify):
    channel()
    site.born()
    for device, hazard in (("crane-1", None), ("crane-8", MAJOR)):
        for _ in range(3):
            site.deliver(raised(device=device, hazard=hazard, level=3))
    notify()
    notify(later_ms=FOLDING_MS)
    assert site.value("SELECT count(*) FROM notice WHERE kind = 'digest' AND state = 'sent'") == 2
    site.rows("UPDATE notice SET created_at = now() - interval '401 days' RETURNING 1")
    forget = ForgettingNotices(400)
    for hours in range(3):
        forget(site.connection, now_ms() + hours * 3_600_000)
    kept = site.rows("SELECT device, kind FROM notice ORDER BY created_at, kind")
    assert kept == [("crane-8", "alarm")] * 3 + [("crane-8", "digest")]


def test_what_is_younger_stays(site, channel, notify):
    channel()
    site.born().deliver(raised())
    notify()
    ForgettingNotices(400)(site.connection, now_ms() + 399 * 86_400_000)
    assert site.value("SELECT count(*) FROM notice") == 1
