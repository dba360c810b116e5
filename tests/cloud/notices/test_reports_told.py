"""Who approves a report hears of it by mail: that it waits for him, and that it is late."""

from email import message_from_bytes
from email.header import decode_header, make_header

from cloud.notices.opening import Telling
from cloud.reports.due import remind
from tests.cloud.notices.test_mailing import channel_by_mail, post_office
from tests.cloud.notices.test_people import way
from tests.cloud.reports.past import on
from tests.cloud.reports.test_life import due, past
from tests.cloud.site import now_ms
from tests.cloud.web.serving import changing

__all__ = ["channel_by_mail", "past", "post_office"]


def test_a_draft_and_a_late_report_arrive_with_the_link_to_it(
    site, past, settings, channel_by_mail, *, post_office, notify
):
    with changing(site.connection):
        way(site, past.people["city_authority"], channel_by_mail["id"], "city@example.com")
    due(past, on("07-01", "00:05"))
    report = site.value("SELECT report FROM report WHERE kind = 'appendix_1' AND node = %s", past.prefecture)

    def heard(due_at: str) -> list[tuple[str, str]]:
        """Subjects and bodies that he got of that report, once it is due so long from now."""
        site.connection.execute(
            f"UPDATE report SET due_at = now() + interval '{due_at}' WHERE report = %s", [report]
        )
        site.connection.execute("UPDATE report SET due_at = NULL WHERE report <> %s", [report])
        remind(site.connection, Telling(settings=settings, sites={}, now_ms=now_ms()), now_ms())
        notify()
        mails = [
            message_from_bytes(one.content)
            for one in post_office[0].letters
            if one.rcpt_tos == ["city@example.com"]
        ]
        return [
            (str(make_header(decode_header(mail["Subject"]))), mail.get_payload(decode=True).decode())
            for mail in mails
        ]

    ((subject, body),) = heard("1 day")
    assert subject == "[报表] 昌吉州调度表（附件1）待审核"
    assert (
        f"调度表（附件1）（统计至 2023-06-30）待审核。\nhttps://safety.example.com/reports/{report}" in body
    )
    assert len(heard("1 day")) == 1, "once"
    subject, _ = heard("-1 minute")[-1]
    assert subject == "[报表] 昌吉州调度表（附件1）已逾期未报送"
