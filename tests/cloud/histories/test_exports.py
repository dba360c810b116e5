"""Exports of histories: what stands in the files, who gets which, and how a job runs, ends and is lost."""

import asyncio
import contextlib
import csv
import datetime as dt
import hashlib
import io
import time
from uuid import UUID, uuid4

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from httpx import RemoteProtocolError

from cloud.accounts.permissions import COOKIE
from cloud.database import instant
from cloud.histories import store
from cloud.histories.files import offsets_ms
from cloud.histories.job import perform
from cloud.histories.model import MOST_OWN
from cloud.histories.sending import GoneError, Sent, Span, sent
from cloud.histories.service import Exporter
from cloud.live.hub import Hub
from cloud.serving import Serving, make_pool
from firmware_sim.replay.place import place_of
from sitewarden.history import read_header, read_history
from sitewarden.messages import Gap, PointBirth, Readings
from tests.cloud.backtest.past import LOAD, RATIO, SECOND, T0, born, crane, pit, told
from tests.cloud.site import BOOT, TestSite, now_ms
from tests.cloud.web.serving import assign, changing, new_account, new_session
from tests.support.waiting import PATIENCE_S

HOUR, DAY = 3_600_000, 86_400_000


def wanted(*points, since=T0, length_ms=HOUR, **more):
    span = {"from": instant(since).isoformat(), "to": instant(since + length_ms).isoformat()}
    return {"points": list(points or (LOAD,)), **span, **more}


def ended(web, export, *, at_most_s=PATIENCE_S):
    """The export as soon as it is no longer under way."""
    deadline = time.monotonic() + at_most_s
    while True:
        shown = web.get(f"/sites/demo/history-exports/{export}").json()
        if shown["state"] not in ("queued", "running"):
            return shown
        assert time.monotonic() < deadline, shown
        time.sleep(0.1)


def asked(site, *points, since=T0, length_ms=HOUR, level="raw", form="csv", account=None) -> store.Job:
    """Taken up as the web process takes it."""
    row = {
        "id": uuid4(), "site": "demo", "mode": "live", "account": account, "author": "=王安全",
        "points": list(points),
        "from": instant(since), "to": instant(since + length_ms), "level": level, "form": form,
        "now": instant(now_ms()), "estimated": 1,
    }  # fmt: skip
    with site.connection.transaction():
        site.connection.execute(store.ASK, row)
        job = store.take_up(site.connection, instant(now_ms()))
    assert job is not None
    return job


def written(site, dsn, folder, *points, **more):
    job = asked(site, *points, **more)
    (folder / "drafts").mkdir(exist_ok=True)
    perform(dsn, job, folder / "drafts", now_ms)
    assert state_of(site, job.id) == ("done", None)
    assert list((folder / "drafts").iterdir()) == []
    file = folder / f"{job.id}.{job.form}"
    file.write_bytes(stored(site, job.id))
    return file


def stored(site, export) -> bytes:
    """What is given out."""
    query = """
        SELECT content FROM history_export_part AS part JOIN history_export AS its
            ON its.id = part.export AND its.tries = part.tries
         WHERE export = %s ORDER BY from_byte
    """
    return b"".join(bytes(content) for (content,) in site.rows(query, export))


def table(text: str):
    """Lines for people, and rows by the names of their columns."""
    head = [line for line in text.splitlines() if line.startswith("#")]
    body = [line for line in text.splitlines() if not line.startswith("#")]
    return head, list(csv.DictReader(io.StringIO("\n".join(body))))


def test_an_export_is_written_beside_the_pages_saved_resumed_and_removed(site, web):
    told(born(site), LOAD, [3.15, None, 0.07])
    answer = web.post("/sites/demo/history-exports", json=wanted())
    assert (answer.status_code, answer.json()["estimated_rows"]) == (201, 3), answer.text
    shown = ended(web, answer.json()["id"])
    assert (shown["state"], shown["rows"], shown["why"]) == ("done", 3, None)
    path = f"/sites/demo/history-exports/{shown['id']}"
    whole = web.get(f"{path}/file", headers={"Accept-Encoding": "gzip"})
    assert int(whole.headers["content-length"]) == shown["bytes"] == len(whole.content)
    assert hashlib.sha256(whole.content).hexdigest() == shown["sha256"]
    assert "demo-raw-20260921T1413" in whole.headers["content-disposition"]
    assert "sandbox" in whole.headers["content-security-policy"]
    _, rows = table(whole.content.decode("utf-8-sig"))
    assert [(row["value"], row["unit"], row["quality"]) for row in rows] == [
        ("3.15", "t", "good"), ("", "t", "timeout"), ("0.07", "t", "good"),
    ]  # fmt: skip
    part = web.get(f"{path}/file", headers={"Range": "bytes=10-"})
    assert (part.status_code, part.content) == (206, whole.content[10:])
    assert [one["id"] for one in web.get("/sites/demo/history-exports").json()["items"]] == [shown["id"]]
    assert web.delete(path).status_code == 204
    gone = web.get(f"{path}/file")
    assert (gone.status_code, gone.json()["type"]) == (409, "/problems/no-file")
    assert web.get(path).json()["state"] == "expired"


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_what_is_exported_can_be_replayed_and_says_who_took_it(site, dsn, tmp_path, form):
    born(site, crane(), pit())
    told(site, LOAD, [3.15, None, 0.07])
    told(site, RATIO, [50.0, 60.0, 70.0])
    lost = Gap(from_at=T0 + 10 * SECOND, to_at=T0 + 20 * SECOND, count=10, reason="evicted", points=[])
    site.deliver(Readings(boot=BOOT, seq=9001, at=T0, series=[], gaps=[lost]))
    file = written(site, dsn, tmp_path, LOAD, RATIO, form=form)
    header, tracks = read_history(file)
    assert tracks[LOAD].values.tolist()[::2] == [3.15, 0.07]
    assert tracks[RATIO].times.tolist() == [T0, T0 + SECOND, T0 + 2 * SECOND]
    assert (header.taken_out.by, [device.device for device in header.devices]) == ("=王安全", ["crane-1"])
    assert [(gap.reason, gap.points) for gap in header.gaps] == [("evicted", [LOAD, RATIO])]
    place = place_of(file, None, [])
    assert [device.device for device in place.header.devices] == ["crane-1"]


def test_without_what_no_gateway_reads_a_crane_nothing_is_left_to_replay(site, dsn, tmp_path):
    born(site, whole := msgspec.structs.replace(crane(), points=[*crane().points, *(
        PointBirth(p=f"crane-1/{key}", kind=f"crane.{key}", stale_after_ms=2000)
        for key in ("radius", "falls", "hook_height")
    )]))  # fmt: skip
    told(site, RATIO, [50.0])
    (device,) = read_header(written(site, dsn, tmp_path, RATIO)).devices
    assert device.chart is not None
    assert {point.p for point in device.points} == {
        point.p for point in whole.points if point.p != "crane-1/hook_height"
    }


def test_lines_before_the_table_tell_people_what_it_is(site, dsn, tmp_path):
    told(born(site), LOAD, [1.0])
    lost = Gap(from_at=T0, to_at=T0 + SECOND, count=7, reason="disk", points=[LOAD])
    site.deliver(Readings(boot=BOOT, seq=9001, at=T0, series=[], gaps=[lost]))
    head, rows = table(written(site, dsn, tmp_path, LOAD, level="minute").read_text("utf-8-sig"))
    assert "exported by =王安全 at" in head[0]
    assert "示范工地 Demo site (demo)" in head[0]
    assert "disk · 7 · crane-1/load" in head[2]
    assert {line[:2] for line in head} == {"# "}
    assert rows[0]["at_utc"] == "2026-09-21T14:13:00.000Z"
    assert rows[0]["at_site"] == "2026-09-21T22:13:00.000+08:00"


def test_a_level_has_what_its_readings_come_to(site, dsn, tmp_path):
    told(born(site), LOAD, [3.0, 1.0, None, 7.0] * 60)
    minutes = pq.read_table(written(site, dsn, tmp_path, LOAD, level="minute", form="parquet")).to_pylist()
    # T0 is 20 s after a minute.
    assert [row["n"] for row in minutes] == [40, 60, 60, 60, 20]
    assert [minutes[1][name] for name in ("low", "high", "first", "last", "good")] == [1.0, 7.0, 3.0, 7.0, 45]
    assert minutes[1]["mean"] == pytest.approx(11 / 3, abs=1e-3)
    (hour,) = pq.read_table(written(site, dsn, tmp_path, LOAD, level="hour", form="parquet")).to_pylist()
    assert (hour["n"], hour["at_ms"]) == (240, T0 // HOUR * HOUR)
    (day,) = pq.read_table(written(site, dsn, tmp_path, LOAD, level="day", form="parquet")).to_pylist()
    assert (day["n"], day["at_ms"]) == (240, T0 // DAY * DAY)


def test_clocks_of_the_site_are_put_forward_and_back():
    forward = int(dt.datetime(2026, 3, 29, 1, tzinfo=dt.UTC).timestamp() * 1000)
    at = np.array([forward - 1, forward, forward + 12 * HOUR])
    assert offsets_ms(at, "Europe/Berlin").tolist() == [HOUR, 2 * HOUR, 2 * HOUR]
    assert offsets_ms(at, "Asia/Kathmandu").tolist() == [5 * HOUR + 45 * 60_000] * 3


def test_a_span_without_readings_is_a_file_without_rows(site, dsn, tmp_path):
    told(born(site), LOAD, [1.0])
    for form in ("csv", "parquet"):
        file = written(site, dsn, tmp_path, LOAD, since=T0 + DAY, form=form)
        assert read_history(file).tracks == {}


def test_parts_hold_every_row_once(site, dsn, tmp_path, monkeypatch):
    monkeypatch.setattr("cloud.histories.reading.RAW_AT_ONCE", 100)
    monkeypatch.setattr("cloud.histories.reading.ROLLED_AT_ONCE", 2)
    told(born(site), LOAD, [float(n % 7) for n in range(300)], step_ms=60_000)
    for form in ("csv", "parquet"):
        file = written(site, dsn, tmp_path, LOAD, length_ms=DAY, form=form)
        assert read_history(file).tracks[LOAD].values.tolist() == [float(n % 7) for n in range(300)]
    hours = written(site, dsn, tmp_path, LOAD, length_ms=DAY, level="hour", form="parquet")
    assert sum(row["n"] for row in pq.read_table(hours).to_pylist()) == 300


def test_it_is_for_whoever_asked_and_only_while_he_may_see_its_devices(site, web, dsn, tmp_path):
    told(born(site, crane(), pit()), LOAD, [1.0])
    mine = web.post("/sites/demo/history-exports", json=wanted()).json()["id"]
    account = new_account(site.connection, "司机", "viewer", site="demo", devices=["pit-1"])
    web.client.cookies.set(COOKIE, new_session(site.connection, account))
    path = f"/sites/demo/history-exports/{mine}"
    for answer in (
        web.get(path),
        web.get(f"{path}/file"),
        web.delete(path),
        web.post("/sites/demo/history-exports", json=wanted(LOAD)),
        web.post("/sites/demo/history-exports", json=wanted("pit-1/none")),
    ):
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    assert web.get("/sites/demo/history-exports").json()["items"] == []
    # What an account has lost since it asked does not come into its file.
    file = written(site, dsn, tmp_path, "pit-1/h1.cumulative", LOAD, account=account)
    assert [device.device for device in read_header(file).devices] == ["pit-1"]
    assert LOAD not in file.read_text("utf-8-sig")


def test_what_is_senseless_or_too_much_is_refused(site, web, monkeypatch):
    told(born(site), LOAD, [1.0, 2.0])
    post = "/sites/demo/history-exports"
    assert web.post(post, json=wanted(length_ms=-1)).json()["type"] == "/problems/empty-range"
    assert web.post(post, json=wanted(level="week")).status_code == 422
    monkeypatch.setattr("cloud.histories.routes.MOST_ROWS", 1)
    assert web.post(post, json=wanted()).json()["type"] == "/problems/too-much"
    monkeypatch.undo()
    for _ in range(MOST_OWN):
        assert web.post(post, json=wanted()).status_code == 201
    refused = web.post(post, json=wanted())
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-exports")


def test_one_that_is_cancelled_leaves_nothing(site, dsn, tmp_path):
    told(born(site), LOAD, [1.0])
    job = asked(site, LOAD)
    site.connection.execute(store.END, {"id": job.id, "now": instant(now_ms())})
    perform(dsn, job, tmp_path, now_ms)
    assert state_of(site, job.id) == ("cancelled", None)
    assert list(tmp_path.iterdir()) == []


def test_one_without_room_says_so(site, dsn, tmp_path, monkeypatch):
    told(born(site), LOAD, [1.0])
    monkeypatch.setattr("cloud.histories.job.LEAST_FREE", 1 << 60)
    job = asked(site, LOAD)
    perform(dsn, job, tmp_path, now_ms)
    assert state_of(site, job.id) == ("failed", "disk")
    assert list(tmp_path.iterdir()) == []


def test_one_whose_writer_died_is_taken_up_again_and_not_for_ever(site):
    born(site)
    job = asked(site, LOAD)
    soon = instant(now_ms())
    assert store.take_up(site.connection, soon) is None
    for tries in range(1, store.TRIES):
        later = soon + tries * 2 * store.SILENT
        again = store.take_up(site.connection, later)
        assert again == msgspec.structs.replace(job, tries=tries + 1)
    assert store.take_up(site.connection, soon + 99 * store.SILENT) is None
    assert state_of(site, job.id) == ("failed", "lost")


def test_one_that_was_taken_for_dead_spoils_nothing(site, dsn, tmp_path, monkeypatch):
    """It hung for long, another has taken the export up, and both come to an end."""
    told(born(site), LOAD, [1.0])
    hung = asked(site, LOAD)
    second = store.take_up(site.connection, instant(now_ms()) + 2 * store.SILENT)
    assert second is not None
    assert second.draft_name != hung.draft_name
    perform(dsn, hung, tmp_path, now_ms)
    assert (state_of(site, hung.id), list(tmp_path.iterdir())) == (("running", None), [])
    perform(dsn, second, tmp_path, now_ms)
    whole = stored(site, second.id)
    # This one has written all of it before it hears of the other.
    monkeypatch.setattr("cloud.histories.store.tell", lambda *_: True)
    perform(dsn, hung, tmp_path, now_ms)
    assert (state_of(site, hung.id), list(tmp_path.iterdir())) == (("done", None), [])
    assert stored(site, second.id) == whole
    assert sorted(site.rows("SELECT DISTINCT tries FROM history_export_part")) == [(1,), (2,)]
    store.forget(site.connection, instant(now_ms()))
    assert site.rows("SELECT DISTINCT tries FROM history_export_part") == [(2,)]
    assert stored(site, second.id) == whole


def test_files_go_when_their_time_is_over_and_who_took_them_stays_known(site, dsn, tmp_path):
    told(born(site), LOAD, [1.0])
    file = written(site, dsn, tmp_path, LOAD)
    drafts = tmp_path / "drafts"
    for export in (uuid4(), file.stem):
        (drafts / f".{export}.csv.1.new").write_text("a draft of somebody who died")
    store.sweep(site.connection, drafts)
    assert list(drafts.iterdir()) == []
    store.forget(site.connection, instant(now_ms()))
    assert site.rows("SELECT count(*) FROM history_export_part") == [(1,)]
    later = instant(now_ms()) + dt.timedelta(hours=25)
    store.forget(site.connection, later)
    assert site.rows("SELECT count(*) FROM history_export_part") == [(0,)]
    assert site.rows("SELECT state, author FROM history_export") == [("expired", "=王安全")]
    store.forget(site.connection, later + store.REMEMBERED)
    assert site.rows("SELECT FROM history_export") == []


def test_a_file_is_given_out_by_whichever_process_and_resumed_at_another(
    site, web, dsn, tmp_path, monkeypatch
):
    """Nothing of it lies on the disk of the process that is asked."""
    monkeypatch.setattr("cloud.histories.store.PART_BYTES", 100)
    told(born(site), LOAD, [float(n) for n in range(300)])
    account = site.value("SELECT id FROM account ORDER BY id LIMIT 1")
    file = written(site, dsn, tmp_path, LOAD, account=account)
    path, whole = f"/sites/demo/history-exports/{file.stem}/file", file.read_bytes()
    assert len(whole) > 5000
    answer = web.get(path)
    assert (answer.status_code, answer.content) == (200, whole)
    tag = answer.headers["etag"]
    for asked, span in (
        ("bytes=0-0", slice(0, 1)),
        ("bytes=99-100", slice(99, 101)),
        ("bytes=150-1234", slice(150, 1235)),
        ("bytes=-7", slice(-7, None)),
        (f"bytes=300-{2 * len(whole)}", slice(300, None)),
    ):
        part = web.get(path, headers={"Range": asked, "If-Range": tag})
        assert (part.status_code, part.content) == (206, whole[span]), asked
        assert int(part.headers["content-length"]) == len(part.content)
        assert part.headers["content-range"].endswith(f"/{len(whole)}")
    for beyond in (f"bytes={len(whole)}-", "bytes=-0", "bytes=99999999999999999999-"):
        refused = web.get(path, headers={"Range": beyond})
        assert (refused.status_code, refused.headers["content-range"]) == (416, f"bytes */{len(whole)}"), (
            beyond
        )
        assert refused.json()["type"] == "/problems/no-such-part"
    for headers in (
        {"Range": "bytes=5-", "If-Range": '"another"'},
        {"Range": "bytes=5-", "If-Range": f"W/{tag}"},
        {"Range": "bytes=5-", "If-Range": "Mon, 21 Sep 2026 14:13:20 GMT"},
        {"Range": "lines=1-2"},
        {"Range": "bytes=9-5"},
        {"Range": "bytes=0-1,5-6"},
        {"Range": "bytes=" + ",".join(["1-2"] * 200)},
        {"Range": f"bytes={'9' * 5000}-"},
    ):
        whole_again = web.get(path, headers=headers)
        assert (whole_again.status_code, whole_again.content) == (200, whole)
    for headers in ({}, {"Range": "bytes=5-9"}, {"Range": f"bytes={len(whole)}-"}):
        head = web.client.head(f"/api/v1{path}", headers=headers)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-length", "etag", "accept-ranges", "content-type", "content-disposition"):
            assert head.headers[name] == answer.headers[name], name
    # After a crash the database has none of it: that is said, and it counts as expired.
    site.connection.execute("DELETE FROM history_export_part")
    assert web.get(path).json()["type"] == "/problems/no-file"
    store.forget(site.connection, instant(now_ms()))
    assert state_of(site, file.stem) == ("expired", None)


def test_who_may_not_see_the_site_any_more_gets_no_further_part(site, settings, dsn, tmp_path, monkeypatch):
    monkeypatch.setattr("cloud.histories.store.PART_BYTES", 100)
    told(born(site), LOAD, [float(n) for n in range(300)])
    account = new_account(site.connection, "总监", "viewer", site="demo")
    file = written(site, dsn, tmp_path, LOAD, account=account)

    async def saved() -> bytes:
        async with make_pool(dsn) as pool:
            serving = Serving(
                settings=settings, dsn=dsn, pool=pool, hub=Hub(settings, dsn, pool, now_ms),
                exporter=Exporter(dsn, tmp_path, now_ms), now_ms=now_ms,
            )  # fmt: skip
            whole = Span(0, file.stat().st_size - 1)
            parts = sent(serving, Sent(file.stem, 1, str(account), always), whole)
            got = await anext(parts) + await anext(parts)
            with changing(site.connection):
                site.connection.execute(
                    "UPDATE assignment SET valid_until = now() WHERE account_id = %s", [account]
                )
            with pytest.raises(GoneError):
                await anext(parts)
        return got

    assert asyncio.run(saved()) == file.read_bytes()[:200]


async def always() -> bool:
    """The fence of the database alone ends it."""
    return True


def lose_device(site: TestSite, account: int) -> None:
    assign(site.connection, account, "viewer", site="demo", devices=["pit-1"])
    with changing(site.connection):
        site.connection.execute(
            "UPDATE assignment SET valid_until = now() WHERE account_id = %s AND devices = '{crane-1}'",
            [account],
        )


def lose_session(site: TestSite, account: int) -> None:
    site.connection.execute("DELETE FROM session WHERE account_id = %s", [account])


def lose_nothing(site: TestSite, account: int) -> None:
    assign(site.connection, account, "viewer", site="demo", devices=["pit-1"])


@pytest.mark.parametrize("lose", [lose_device, lose_session, lose_nothing])
def test_who_loses_the_device_or_his_session_while_he_saves_gets_no_further_part(
    site, web, tmp_path, monkeypatch, lose
):
    monkeypatch.setattr("cloud.histories.store.PART_BYTES", 10_000)
    told(born(site, crane(), pit()), LOAD, [float(n) for n in range(300)])
    account = new_account(site.connection, "司机", "viewer", site="demo", devices=["crane-1"])
    file = written(site, site.dsn, tmp_path, LOAD, account=account)
    path, whole = f"/api/v1/sites/demo/history-exports/{file.stem}/file", file.read_bytes()

    async def sent_slowly(*given):
        parts = sent(*given)
        yield await anext(parts)
        lose(site, account)
        async for part in parts:
            yield part

    monkeypatch.setattr("cloud.histories.routes.sent", sent_slowly)
    monkeypatch.setattr("cloud.live.permits.AGAIN_S", 0.0)
    web.client.cookies.set(COOKIE, new_session(site.connection, account))
    got = bytearray()
    with web.client.stream("GET", path) as answer:
        assert (answer.status_code, int(answer.headers["content-length"])) == (200, len(whole))
        broken = contextlib.nullcontext() if lose is lose_nothing else pytest.raises(RemoteProtocolError)
        with broken:
            for part in answer.iter_raw():
                got.extend(part)
    assert whole.startswith(got)
    assert (len(got) == len(whole)) if lose is lose_nothing else (len(got) <= 10_000 < len(whole))
    if lose is lose_device:
        assert web.client.get(path).status_code == 404


def test_no_more_is_kept_than_there_is_room_for(site, dsn, tmp_path, monkeypatch):
    told(born(site), LOAD, [1.0])
    first = written(site, dsn, tmp_path, LOAD)
    monkeypatch.setattr("cloud.histories.job.MOST_KEPT_BYTES", first.stat().st_size + 10)
    job = asked(site, LOAD)
    perform(dsn, job, tmp_path / "drafts", now_ms)
    assert state_of(site, job.id) == ("failed", "disk")


def test_two_that_are_written_at_once_do_not_pass_the_bound_together(site, dsn, tmp_path, monkeypatch):
    told(born(site), LOAD, [1.0])
    size = written(site, dsn, tmp_path, LOAD).stat().st_size
    site.connection.execute("DELETE FROM history_export")
    monkeypatch.setattr("cloud.histories.store.PART_BYTES", 100)
    monkeypatch.setattr("cloud.histories.job.MOST_KEPT_BYTES", size + 150)
    other, job = asked(site, LOAD), asked(site, LOAD)
    for part in range(2):
        store.keep(site.connection, other, part * 100, bytes(100))
    perform(dsn, job, tmp_path / "drafts", now_ms)
    assert state_of(site, job.id) == ("failed", "disk")


def state_of(site, export: UUID):
    return site.rows("SELECT state, why FROM history_export WHERE id = %s", export)[0]
