"""The key of unredacted pictures is changed: nothing is lost on the way, wherever it breaks off."""

import asyncio
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import psycopg
import pytest

from cloud import keyfiles
from cloud.media import command, resealing
from cloud.media.resealing import AGAIN_MS, Left, PicturesResealed, left
from cloud.media.sealing import SealError, Vault, number_of
from sitewarden.errors import SiteWardenError
from tests.cloud.media.test_pictures import (
    EPISODE,
    bare,
    born,  # noqa: F401  a camera is there
    bring,
    evidence,
    jpeg,
    keep,
    picture,
    shown,
)
from tests.cloud.site import TestSite, now_ms
from tests.cloud.web.serving import Web
from tests.support.waiting import until

Asked = Callable[..., int]


@pytest.fixture
def asked(site: TestSite, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The command, of this cloud."""
    monkeypatch.setattr(command, "read_settings", lambda _: site.settings)
    monkeypatch.setattr("cloud.running.app_dsn", lambda _: site.dsn)

    def run(what: str, *, now: bool = False, lost: bool = False) -> int:
        return {"show": command._show, "change": command._change, "retire": command._retire}[what](
            Namespace(config=Path(), now=now, lost=lost)
        )

    return run


def a_record_and_a_picture(site: TestSite, web: Web) -> tuple[bytes, bytes]:
    content, view = jpeg(), jpeg(2)
    site.deliver(bare(pictures=[picture(content)]))
    bring(site, web, content, episode=EPISODE, unredacted=True)
    keep(site)
    bring(site, web, view, "still", unredacted=True)
    return content, view


def seen(site: TestSite, web: Web) -> tuple[bytes, bytes, bytes]:
    """The picture, the same as evidence, and the view, as they are given out."""
    [of_alarm] = shown(web)["items"]
    [item] = evidence(web, site)
    hazard = site.value("SELECT id FROM hazard")
    return (
        web.get(f"/sites/demo/pictures/{of_alarm['id']}/file").content,
        web.get(f"/hazards/{hazard}/evidence/{item['id']}/file").content,
        web.get("/sites/demo/cameras/gate/still").content,
    )


def test_old_pictures_are_sealed_anew_bit_by_bit_and_are_seen_all_the_while(
    site: TestSite,
    web: Web,
    asked: Asked,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content, _ = a_record_and_a_picture(site, web)
    vault, duty = Vault.of(site.settings), PicturesResealed(Vault.of(site.settings))
    duty(site.connection, now_ms())
    assert asked("change") == 0
    assert vault.file.stat().st_mode & 0o777 == 0o600
    assert left(site.connection, vault) == Left(pictures=2, evidence=1)
    with pytest.raises(SiteWardenError, match="2 pictures and 1 files of evidence"):
        asked("retire", now=True)
    newer = jpeg(3)
    bring(site, web, newer, "still", unredacted=True, at=now_ms() + 1000)
    number = next(iter(vault.keys()))
    assert site.value("SELECT count(*) FROM camera_media_part WHERE key = %s", number) > 0
    monkeypatch.setattr(resealing, "MOST", 1)
    for _ in range(20):
        assert seen(site, web) == (content, content, newer)
        duty(site.connection, now_ms())
    assert left(site.connection, vault) == Left(0, 0)
    with pytest.raises(SiteWardenError, match=r"until .* gateways"):
        asked("retire")
    capsys.readouterr()
    assert asked("show") == 0
    assert "0 pictures and 0 files" in capsys.readouterr().out
    assert asked("retire", now=True) == 0
    assert vault.earlier == []
    assert seen(site, web) == (content, content, newer)
    assert asked("retire") == 0


def test_whenever_changing_the_key_breaks_off_all_is_opened_and_it_is_done_again(
    site: TestSite, web: Web, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, view = a_record_and_a_picture(site, web)

    def no_more(*_: object) -> None:
        raise OSError("the power is cut")

    for broken in ("os.link", "cloud.keyfiles._written", "pathlib.Path.replace"):
        with monkeypatch.context() as cut:
            cut.setattr(broken, no_more)
            with pytest.raises(SiteWardenError, match="the key is the one before"):
                asked("change")
        assert seen(site, web) == (content, content, view)
        assert not list(site.settings.data_dir.glob(".media.key*"))
    Vault.of(site.settings).file.chmod(0o640)  # its service is of that group
    assert asked("change") == 0
    assert Vault.of(site.settings).file.stat().st_mode & 0o777 == 0o640
    assert len(Vault.of(site.settings).keys()) == 2
    assert seen(site, web) == (content, content, view)


def test_whoever_changes_the_key_at_the_same_time_loses_none(tmp_path: Path) -> None:
    file = tmp_path / "media.key"
    keyfiles.key_of(None, file)
    with ThreadPoolExecutor(4) as people:
        before = list(people.map(lambda _: keyfiles.change(file, number_of), range(40)))
    assert sorted(before) == keyfiles.earlier(file)
    keys = {keyfiles.read(one) for one in (file, *before)}
    assert len(keys) == 41, "each was kept"


HOLDS = """
import sys, psycopg
from cloud.database import connect
from cloud.media.changing import alone
with connect(sys.argv[1]) as connection, alone(connection):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_of_two_machines_without_a_shared_disk_one_changes_the_key_until_it_is_killed(
    site: TestSite, web: Web, asked: Asked
) -> None:
    """The other is another process here, which the lock of a file would not hold up either."""
    content, view = a_record_and_a_picture(site, web)
    vault = Vault.of(site.settings)
    key = vault.file.read_text()
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDS, site.dsn], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            for what in ("change", "retire"):
                vault.file.with_name("media.key.before-0").write_text(key)
                with pytest.raises(SiteWardenError, match="is being changed"):
                    asked(what)
            assert vault.file.read_text() == key
            vault.file.with_name("media.key.before-0").unlink()
        finally:
            other.kill()
    waited_for_nobody(site)
    assert asked("change") == 0
    assert seen(site, web) == (content, content, view)


def waited_for_nobody(site: TestSite) -> None:
    """The server sees that whoever was killed is gone."""
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted"
    asyncio.run(until(lambda: site.value(locks) == 0, what="the lock is free"))


def test_a_machine_that_has_not_the_key_that_was_made_last_changes_none(
    site: TestSite, web: Web, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_record_and_a_picture(site, web)
    vault = Vault.of(site.settings)
    elsewhere = tmp_path / "elsewhere" / "media.key"
    elsewhere.parent.mkdir()
    shutil.copy(vault.file, elsewhere)
    assert asked("change") == 0
    here, its = site.settings, msgspec.structs.replace(site.settings, media_key_file=elsewhere)
    monkeypatch.setattr(command, "read_settings", lambda _: its)
    number = next(iter(vault.keys()))
    with pytest.raises(SiteWardenError, match=f"changed to {number} at another machine"):
        asked("change")
    assert keyfiles.earlier(elsewhere) == []
    # As the documentation says: the one from before first.
    for file in (*vault.earlier, vault.file):
        shutil.copy(file, elsewhere.parent)
    assert asked("change") == 0
    monkeypatch.setattr(command, "read_settings", lambda _: here)
    for what in ("change", "retire"):
        with pytest.raises(SiteWardenError, match=r"at another machine.*`change --lost` makes another"):
            asked(what, now=True)
    assert asked("change", lost=True) == 0


def test_a_key_whose_change_was_not_noted_is_changed_and_retired_all_the_same(
    site: TestSite, web: Web, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, view = a_record_and_a_picture(site, web)
    assert asked("change") == 0

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr("cloud.media.changing.note_last", killed)
        with pytest.raises(KeyboardInterrupt):
            asked("change")
    vault = Vault.of(site.settings)
    assert len(vault.keys()) == 3
    assert site.value("SELECT number FROM media_key") != next(iter(vault.keys()))
    PicturesResealed(vault)(site.connection, now_ms())
    assert asked("retire", now=True) == 0
    assert asked("change") == 0
    assert seen(site, web) == (content, content, view)


def test_no_key_is_given_up_for_a_file_that_only_has_its_name(tmp_path: Path) -> None:
    file = tmp_path / "media.key"
    key = keyfiles.key_of(None, file)
    before = file.with_name(f"media.key.before-{number_of(key)}")
    before.write_text("0" * 64)
    with pytest.raises(keyfiles.BadKeyError, match="another key"):
        keyfiles.change(file, number_of)
    assert keyfiles.read(file) == key


def test_what_breaks_off_between_opening_and_sealing_is_as_it_was(
    site: TestSite, web: Web, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, view = a_record_and_a_picture(site, web)
    asked("change")
    with monkeypatch.context() as cut:
        cut.setattr(resealing, "_PUT_FILE", resealing._PUT_FILE + " AND 1 / 0 = 1")
        cut.setattr(resealing, "_PUT_PIECE", resealing._PUT_PIECE + " AND 1 / 0 = 1")
        with pytest.raises(psycopg.errors.DivisionByZero):
            PicturesResealed(Vault.of(site.settings))(site.connection, now_ms())
    assert left(site.connection, Vault.of(site.settings)) == Left(2, 1)
    assert seen(site, web) == (content, content, view)


def test_what_no_key_opens_keeps_no_other_from_being_sealed_anew(
    site: TestSite, web: Web, asked: Asked
) -> None:
    content, _ = a_record_and_a_picture(site, web)
    asked("change")
    vault, duty = Vault.of(site.settings), PicturesResealed(Vault.of(site.settings))
    [before] = vault.earlier
    taken, elsewhere = before.read_text(), before.with_name("elsewhere")
    before.rename(elsewhere)
    keyfiles.change(vault.file, number_of)
    newest = jpeg(4)
    bring(site, web, newest, "still", unredacted=True, at=now_ms() + 1000)
    asked("change")
    duty(site.connection, now_ms())
    assert left(site.connection, vault) == Left(pictures=1, evidence=1)
    assert web.get("/sites/demo/cameras/gate/still").content == newest
    before.write_text(taken)
    duty(site.connection, now_ms() + AGAIN_MS)
    assert left(site.connection, vault) == Left(0, 0)
    assert seen(site, web) == (content, content, newest)


def test_pictures_from_before_keys_had_numbers_are_opened_by_whichever_it_is(
    site: TestSite, web: Web, asked: Asked
) -> None:
    content, view = a_record_and_a_picture(site, web)
    with psycopg.connect(site.dsn, autocommit=True) as owner:
        owner.execute("UPDATE camera_media_part SET key = NULL")
        owner.execute("ALTER TABLE evidence_file DISABLE TRIGGER final_row")
        owner.execute("UPDATE evidence_file SET key = NULL")
        owner.execute("ALTER TABLE evidence_file ENABLE TRIGGER final_row")
    asked("change")
    assert seen(site, web) == (content, content, view)
    PicturesResealed(Vault.of(site.settings))(site.connection, now_ms())
    assert left(site.connection, Vault.of(site.settings)) == Left(0, 0)


@pytest.mark.parametrize(
    "change",
    [
        "content = content || 'x'::bytea, key = 'a'",
        "content = 'x', sealed = false",
        "sha256 = sha256('x'), key = 'a'",
        "content = overlay(content PLACING 'x'::bytea FROM 1)",
        "key = NULL",
    ],
)
def test_evidence_is_changed_in_no_other_way(site: TestSite, web: Web, change: str) -> None:
    a_record_and_a_picture(site, web)
    with psycopg.connect(site.dsn) as owner, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        owner.execute(f"UPDATE evidence_file SET {change} WHERE sealed")


def test_a_key_that_is_gone_is_said_to_be(site: TestSite, web: Web, asked: Asked) -> None:
    a_record_and_a_picture(site, web)
    Vault.of(site.settings).file.unlink()
    with pytest.raises(SealError, match=r"media\.key is no key: there is no such file\. .* bring it back"):
        asked("change")
