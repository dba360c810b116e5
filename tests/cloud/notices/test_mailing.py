"""An approved report goes by mail as a file, and only what the mail server has said is its receipt."""

import email
import email.policy
import hashlib
import io
from collections.abc import Iterator

import openpyxl
import psycopg
import pytest

from tests.cloud.incidents.test_incidents import become as sign_in
from tests.cloud.notices.others import Letters, mail_server
from tests.cloud.registry.records import problem
from tests.cloud.reports.past import golden
from tests.cloud.reports.test_life import approved, authority, become, made, past
from tests.cloud.returns.test_dossiers import accident

__all__ = ["accident", "authority", "past"]


@pytest.fixture
def post_office() -> Iterator[tuple[Letters, int]]:
    with mail_server() as made_here:
        yield made_here


@pytest.fixture
def channel_by_mail(web, channel, post_office) -> dict:
    target = {
        "host": "127.0.0.1",
        "port": post_office[1],
        "security": "none",
        "sender": "reports@example.com",
        "recipients": ["bureau@example.com"],
    }
    return channel(kind="mail", url=None, mail=target, site=None, name="报送邮箱")


@pytest.fixture
def report(channel_by_mail, authority, past) -> dict:
    """Signed in as whoever approves."""
    golden(past)
    return made(authority, past)


def mail_of(letter) -> tuple[email.message.EmailMessage, bytes, str]:
    message = email.message_from_bytes(letter.content, policy=email.policy.default)
    (attached,) = message.iter_attachments()
    return message, attached.get_payload(decode=True), attached.get_filename()


def mailed(web, report: dict, channel: dict, **more):
    given = {"channel": channel["id"], "version": report["versions"], **more}
    return web.post(f"/reports/{report['report']}/mailings", json=given)


def mailings(web, report: dict) -> list[dict]:
    return web.get(f"/reports/{report['report']}/mailings").json()["items"]


def test_an_approved_report_is_a_file_in_a_mail_and_the_servers_word_is_its_receipt(
    web, report, channel_by_mail, *, past, post_office, notify
):
    assert problem(mailed(web, report, channel_by_mail))[1] == "not-approved"
    report = approved(web, past, report)
    asked = mailed(web, report, channel_by_mail)
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    assert web.get(f"/reports/{report['report']}").json()["status"] == "approved", "nobody has it yet"
    notify()
    (letter,) = post_office[0].letters
    assert letter.rcpt_tos == ["bureau@example.com"]
    message, content, name = mail_of(letter)
    assert report["shown"]["sha256"] in message.get_body().get_content()
    assert name.startswith("昌吉州")
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert any("昌吉州" in str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row)
    (sent,) = mailings(web, report)
    digest = hashlib.sha256(content).hexdigest()
    assert (sent["state"], sent["code"], sent["file_sha256"]) == ("sent", "250", digest)
    report = web.get(f"/reports/{report['report']}").json()
    receipt = report["events"][-1]["body"]
    assert (report["status"], receipt["to"], receipt["file_sha256"]) == ("sent", "bureau@example.com", digest)
    assert receipt["receipt"] == "250 OK queued as 4711"
    assert told_of(past, "report_sent") == {
        ("city_authority", f"/reports/{report['report']}"),
        ("second", f"/reports/{report['report']}"),
    }


def told_of(past, kind: str) -> set[tuple[str, str]]:
    """Who was told, and which page it opens."""
    return set(
        past.connection.execute(
            "SELECT account.name, told.page FROM told JOIN told_person USING (told)"
            " JOIN account ON account.id = told_person.account_id WHERE told.kind = %s",
            [kind],
        ).fetchall()
    )


def test_a_csv_goes_by_mail_too(web, past, report, channel_by_mail, *, post_office, notify):
    report = approved(web, past, report)
    assert mailed(web, report, channel_by_mail, format="csv").json()["name"].endswith(".csv")
    notify()
    _, content, _ = mail_of(post_office[0].letters[-1])
    lines = content.decode("utf-8-sig").splitlines()
    assert any("企业自查发现的重大事故隐患（个）" in line for line in lines)
    assert "由 city_authority 于" in lines[-1]


def test_what_the_server_refuses_is_shown_and_is_no_receipt(web, past, report, channel_by_mail, notify):
    report = approved(web, past, report)
    mailed(web, report, channel_by_mail, recipients=["nobody@example.com"])
    notify()
    (refused,) = mailings(web, report)
    assert (refused["state"], refused["code"], refused["file_sha256"]) == ("rejected", "550", None)
    assert web.get(f"/reports/{report['report']}").json()["status"] == "approved"


def test_typed_addresses_are_checked_and_a_channel_of_elsewhere_is_none(web, past, report, channel_by_mail):
    report = approved(web, past, report)
    assert mailed(web, report, channel_by_mail, recipients=["a@b\r\nBcc: x@y.z"]).status_code == 422
    other = {"id": report["report"]}
    assert problem(mailed(web, report, other))[1] == "unknown-reference"


def test_what_was_changed_behind_its_back_is_not_sent(site, web, report, channel_by_mail, *, past, notify):
    report = approved(web, past, report)
    mailed(web, report, channel_by_mail)
    with psycopg.connect(site.dsn, autocommit=True) as owner:
        owner.execute("UPDATE mailing SET sha256 = sha256('other')")
    notify()
    assert [(one["state"], one["code"]) for one in mailings(web, report)] == [("rejected", "hash")]


def test_what_is_mailed_in_another_county_is_not_there(web, past, report):
    become(web, past, "county_authority")
    assert web.get(f"/reports/{report['report']}/mailings").status_code == 404


@pytest.fixture
def package(web, site, channel_by_mail, accident) -> dict:
    sign_in(web, site, "county_authority")
    return web.post(f"/incidents/{accident['id']}/packages").json()


def test_a_package_is_in_the_mail_byte_by_byte(web, package, channel_by_mail, post_office, notify):
    path = f"/dossiers/{package['id']}/mailings"
    given = {"channel": channel_by_mail["id"], "recipients": ["zhang@example.com", "zhang@example.com"]}
    key = {"Idempotency-Key": "once"}
    first, again = (web.post(path, json=given, headers=key) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    notify()
    (letter,) = [one for one in post_office[0].letters if one.rcpt_tos == ["zhang@example.com"]]
    _, content, name = mail_of(letter)
    assert name.endswith(".zip")
    assert hashlib.sha256(content).hexdigest() == package["sha256"]
    assert [one["state"] for one in web.get(path).json()["items"]] == ["sent"]
