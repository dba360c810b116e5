"""What is due beside the lanes, by a thread of its own: evidence, signals, held alarms, photos, logs."""

import logging
from collections.abc import Callable
from typing import LiteralString

import psycopg
from psycopg.rows import dict_row

from cloud.alarms.store import StoredEpisode
from cloud.database import Connection, instant
from cloud.duties.watching import Calendar
from cloud.evidence.keeping import keep_due
from cloud.hazards.looking import look
from cloud.hazards.opening import Heard, follow_alarms
from cloud.hazards.unfiled import forget_unfiled
from cloud.intake.forgetting import Forgetting
from cloud.intake.watching import CredentialWatch
from cloud.jurisdictions.loading import jurisdiction
from cloud.live.store import NewEvent, wake_viewers, write_events
from cloud.looking import Looking
from cloud.media.keeping import PicturesKept
from cloud.media.resealing import PicturesResealed
from cloud.media.sealing import Vault
from cloud.metrics import ingest as metrics
from cloud.notices.escalating import escalate_due
from cloud.notices.forgetting import ForgettingNotices
from cloud.notices.nothing import Nothing
from cloud.notices.opening import News, Telling, tell, tell_of
from cloud.notices.silence import Silences
from cloud.reports.due import make_due, remind
from cloud.returns.due import put_together
from cloud.settings import Settings
from cloud.sites.registry import Registry
from cloud.tips.erasing import erase_identities
from cloud.upkeep.holding import take_due
from sitewarden.messages import Alarm
from sitewarden.text import Text

log = logging.getLogger(__name__)

LOOK_S = 5.0
REPORT_EVERY_MS = 60_000

_EPISODE: LiteralString = """
    SELECT episode.site, episode.mode, episode.hazard_id, episode.raised_at, episode.cleared_at,
           episode.value, episode.peak, its.label
      FROM episode LEFT JOIN device AS its
           ON its.site = episode.site AND its.mode = episode.mode AND its.device = episode.device
     WHERE episode.id = %s
"""


class Duties(Looking):
    """A thread of ingest."""

    def __init__(
        self, settings: Settings, dsn: str, registry: Registry, hears: Callable[[], bool] = lambda: False
    ) -> None:
        """Nothing is read yet. `hears`: whether messages of gateways come in."""
        super().__init__(dsn, name="ingest-duties", every_s=LOOK_S, is_alone=True)
        self._reported_ms = 0
        self._settings, self._registry = settings, registry
        self._forgetting = Forgetting()
        self._silences = Silences(settings, registry, hears)
        self._nothing, self._hears = Nothing(), hears
        self._calendar = Calendar()
        self._credentials = CredentialWatch()
        self._forgetting_notices = ForgettingNotices(settings.notices.keep_days)
        self._pictures = PicturesKept(settings.media.keep_days, Vault.of(settings))
        self._resealed = PicturesResealed(Vault.of(settings))

    def look(self, connection: Connection, now_ms: int) -> None:
        """Whatever is due at that instant; what cannot be done keeps nothing else from being done."""
        for duty in (
            self.release,
            self.note_silences,
            self.note_nothing,
            _watch,
            _keep,
            self._pictures,
            self._resealed,
            _forget,
            _put_together,
            self.follow_calendar,
            self.watch_credentials,
            erase_identities,
            self._forgetting,
            self._forgetting_notices,
            self.report,
            self.escalate,
        ):
            name = getattr(duty, "__name__", type(duty).__name__).strip("_").lower()
            try:
                duty(connection, now_ms)
            except psycopg.OperationalError:
                raise
            except Exception:
                # A record that cannot be read, say. It is tried again with the next look.
                log.exception("a duty could not be done duty=%s", name)
                metrics.note_duty(name, is_done=False)
            else:
                metrics.note_duty(name, is_done=True)

    def escalate(self, connection: Connection, now_ms: int) -> None:
        """Tell whoever comes next where nobody has acknowledged in time."""
        if self._settings.tells:
            for told in escalate_due(connection, self._settings.notices.pages, instant(now_ms)):
                log.info("nobody acknowledged told=%s", told)

    def release(self, connection: Connection, now_ms: int) -> None:
        """Open records for alarms that still stand after their device was mended."""
        with connection.transaction():
            heard = [self._heard(connection, alarm, now_ms) for alarm in take_due(connection, now_ms)]
            followed = follow_alarms(connection, heard)
            touched = [record.id for record in followed.records]
            telling = Telling(settings=self._settings, sites=self._registry.sites(connection), now_ms=now_ms)
            tell(connection, telling, News(episodes={}, hazards=touched))
            tell_of(connection, telling, followed.told)
            shown = [record.shown() for record in followed.records]
            events = [NewEvent(one.site, "hazard", one.model_dump_json()) for one in shown]
            write_events(connection, events, now_ms)
        if touched:
            log.info("alarms stand after maintenance alarms=%d records=%d", len(heard), len(touched))
            wake_viewers(connection)

    def follow_calendar(self, connection: Connection, now_ms: int) -> None:
        """Safety logs of the day before, and whose duty or log is missing."""
        telling = Telling(settings=self._settings, sites=self._registry.sites(connection), now_ms=now_ms)
        self._calendar.look(connection, telling)

    def watch_credentials(self, connection: Connection, now_ms: int) -> None:
        """Certificates that have ended and key posts that are not there while a crane works."""
        if self._settings.tells:
            telling = Telling(settings=self._settings, sites=self._registry.sites(connection), now_ms=now_ms)
            self._credentials.look(connection, telling)

    def report(self, connection: Connection, now_ms: int) -> None:
        """Make the returns of the month that are due; nobody waits for them by the second."""
        if now_ms - self._reported_ms >= REPORT_EVERY_MS:
            self._reported_ms = now_ms
            make_due(connection, now_ms)
            sites = self._registry.sites(connection)
            remind(connection, Telling(settings=self._settings, sites=sites, now_ms=now_ms), now_ms)

    def note_silences(self, connection: Connection, now_ms: int) -> None:
        """Tell of gateways that are silent, or back."""
        self._silences.look(connection, now_ms)

    def note_nothing(self, connection: Connection, now_ms: int) -> None:
        """Tell whoever runs the platform where no gateway is heard at all."""
        telling = Telling(settings=self._settings, sites=self._registry.sites(connection), now_ms=now_ms)
        self._nothing.look(connection, telling, hears=self._hears())

    def _heard(self, connection: Connection, alarm: Alarm, now_ms: int) -> Heard:
        row = connection.cursor(row_factory=dict_row).execute(_EPISODE, [alarm.episode]).fetchone()
        assert row is not None  # noqa: S101  a held alarm refers to it
        label, entry = row["label"], self._registry.sites(connection)[row["site"]]
        return Heard(
            site=row["site"],
            mode=row["mode"],
            alarm=alarm,
            episode=StoredEpisode(
                hazard_id=row["hazard_id"],
                raised_at=row["raised_at"],
                cleared_at=row["cleared_at"],
                value=row["value"],
                peak=row["peak"],
                is_new=False,
            ),
            device=Text(**label) if label else Text(alarm.device, alarm.device),
            time_zone=entry.time_zone,
            limits=jurisdiction(entry.jurisdiction),
            now_ms=now_ms,
        )


def _watch(connection: Connection, now_ms: int) -> None:
    for hazard in look(connection, now_ms):
        log.info("signal changed hazard=%s", hazard)


def _keep(connection: Connection, now_ms: int) -> None:
    for hazard in keep_due(connection, now_ms):
        log.info("evidence kept hazard=%s", hazard)


def _forget(connection: Connection, now_ms: int) -> None:
    forget_unfiled(connection, instant(now_ms))


def _put_together(connection: Connection, now_ms: int) -> None:
    put_together(connection, now_ms)
