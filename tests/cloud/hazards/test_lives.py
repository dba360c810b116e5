"""Whatever people and machine do to a record, in whatever order: what must never be, never is."""

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cloud.accounts.roles import roles
from cloud.hazards.acts import body_of
from cloud.hazards.chain import Event, Link, first_broken, link
from cloud.hazards.guards import EvidenceItem
from cloud.hazards.record import Record, apply, fold, said
from cloud.hazards.transitions import TRANSITIONS, fits
from cloud.instants import rfc3339
from tests.cloud.hazards.lives import CLAUSE, DAY, FACTS, HOUR, NOW, Cleared, form, opened, person, tried

replace = msgspec.structs.replace
ROLES = [
    name for name, role in roles().roles.items() if role.side in ("authority", "contractor", "supervision")
]
PEOPLE = st.builds(person, st.sampled_from([*ROLES, "admin", "expert"]), st.integers(1, 6))
WAY = ["candidate", "confirmed", "rectifying", "rectified", "reviewed", "closed"]


class Lives(RuleBasedStateMachine):
    """One record; everybody tries everything."""

    @initialize(level=st.sampled_from(["general", "major_proposed"]), monitored=st.booleans())
    def open(self, level, monitored):
        self.now, self.links, self.record = NOW, [], Record()
        self.cleared, self.before = True, Record()
        body = {
            "site": "demo",
            "category": "起重机械",
            "level": level,
            "signal": "active" if monitored else "none",
        }
        self._append(Event(at=rfc3339(NOW), actor="sitewarden", kind="opened", body=body))

    def _append(self, event: Event) -> None:
        last = self.links[-1] if self.links else None
        self.links.append(link("h", None if last is None else (last.seq, last.hash), event))
        self.before = self.record
        self.record = apply(self.record, said(msgspec.json.decode(self.links[-1].record)))

    def _machine(self, kind: str, **body) -> None:
        self._append(Event(at=rfc3339(self.now), actor="sitewarden", kind=kind, body=body))

    def _form(self, name: str, major: bool):
        changes = {}
        if name in ("plan", "request_extension", "list"):
            changes["due"] = max(self.now, self.record.due_at or self.now) + DAY
        if name == "plan" and self.record.status == "rectifying" and self.record.due_at:
            changes["due"] = self.record.due_at
        if name == "postpone_step":
            changes["until"] = self.now + DAY
        if name == "submit":
            changes["rectified_at"] = self.now
        if name == "confirm" and major:
            changes = {"level": "major", "clause": CLAUSE}
        if name == "take_step":
            changes["step"] = min(5, self.record.escalation_step + 1)
        return form(name, **changes)

    @rule(data=st.data(), actor=PEOPLE, major=st.booleans())
    def anything(self, data, actor, major):
        names = [name for name in TRANSITIONS if fits(self.record, name)]
        if names:
            self._try(data.draw(st.sampled_from(names)), actor, major=major)

    def _try(self, name, actor, *, major):
        if not fits(self.record, name):
            return
        act = self._form(name, major)
        evidence = [
            EvidenceItem(id="before", at=self.now, stage="before"),
            EvidenceItem(id="after", at=self.now, stage="after"),
        ]
        clearance = None if self.record.signal == "none" else Cleared(self.cleared)
        facts = replace(FACTS, evidence=evidence, clearance=clearance, target=opened())
        choice = tried(self.record, act, actor, facts=facts, now=self.now)
        if choice.actor is None or choice.unmet:
            return
        body = body_of(act)
        if name == "opinion":
            body["is_expert"] = "hazards.expertise" in actor.permissions
        self._append(
            Event(
                at=rfc3339(self.now),
                actor=actor.name,
                kind=name,
                body=body,
                account=actor.account,
                role=actor.role,
                side=actor.side,
            )
        )

    @rule(times=st.integers(1, 7))
    def go_on(self, times):
        """What is usually next, by whom it usually is: else nothing would ever be closed by chance."""
        for _ in range(times):
            self.cleared = True
            if self.record.is_open and self.record.signal in ("active", "unknown"):
                self._machine("signal", to="cleared")
            if self.record.is_open:
                self._next()

    def _next(self) -> None:
        record = self.record
        waits = record.is_major and record.plan is not None and record.plan.accepted is None
        name, role = {
            "candidate": ("confirm", "enforcement_officer"),
            "confirmed": ("plan", "project_manager"),
            "rectifying": ("submit", "project_manager"),
            "rectified": ("pass_review", "supervision_engineer"),
            "reviewed": ("close", "county_authority"),
        }[record.status]
        if waits:
            name, role = "accept_plan", "supervision_engineer"
        elif name == "pass_review" and record.passed_by("supervision") is not None:
            role = "enforcement_officer"
        self._try(name, person(role), major=record.is_major)

    @rule(hours=st.integers(1, 60))
    def wait(self, hours):
        self.now += hours * HOUR

    @precondition(lambda self: self.record.is_open and self.record.signal != "none")
    @rule(to=st.sampled_from(["active", "cleared", "unknown"]), cleared=st.booleans())
    def signal(self, to, cleared):
        self.cleared = cleared
        self._machine("signal", to=to)
        if to == "active" and self.record.status in ("rectified", "reviewed"):
            self._machine("signal_returned")

    @precondition(lambda self: self.record.is_open)
    @rule(kind=st.sampled_from(["overdue", "handling_expired", "judging_overdue", "enforcement", "penalty"]))
    def clock(self, kind):
        self._machine(kind)
        if kind in ("enforcement", "penalty", "judging_overdue"):
            assert self.record == replace(self.before, seq=self.record.seq)

    @precondition(lambda self: self.record.is_open)
    @rule(step=st.integers(1, 5))
    def propose(self, step):
        self._machine("escalation_proposed", step=step)
        assert self.record.escalation_step == self.before.escalation_step

    @invariant()
    def no_state_is_skipped(self):
        for before, after in zip(self._states(), self._states()[1:], strict=False):
            if after in WAY and WAY.index(after) > WAY.index(before):
                assert WAY.index(after) == WAY.index(before) + 1

    def _states(self) -> list[str]:
        record, found = Record(), []
        for one in self.links:
            record = apply(record, said(msgspec.json.decode(one.record)))
            found.append(record.status)
        return found

    @invariant()
    def a_person_with_authority_has_judged_what_is_major(self):
        if self.record.level == "major":
            judge = self.record.judgement.by
            assert "hazards.confirm_major" in roles().permissions_of(judge.role)
            assert judge.side in ("authority", "contractor")

    @invariant()
    def what_is_closed_was_verified_and_is_quiet(self):
        record = self.record
        if record.status != "closed":
            assert record.closed_at is None
            return
        assert record.verified_at is not None
        assert record.signal not in ("active", "unknown")
        assert record.level != "major_proposed"
        assert record.control == "none"

    @invariant()
    def nobody_reviews_or_closes_his_own_work(self):
        for review in self.record.reviews:
            assert review.by.account != self.record.submissions[review.round - 1].by.account
        if self.record.status == "closed":
            assert self.record.closings[-1].by.account != self.record.submission.by.account

    @invariant()
    def a_major_hazard_is_verified_by_supervision_and_authority(self):
        if self.record.level == "major" and self.record.status in ("reviewed", "closed"):
            sides = {review.by.side for review in self.record.round_reviews if review.is_passed}
            assert {"supervision", "authority"} <= sides
            assert self.record.plan.accepted.by.side == "supervision"

    @invariant()
    def whoever_runs_the_platform_has_done_nothing(self):
        by = [msgspec.json.decode(one.record).get("side") for one in self.links]
        assert "platform" not in by

    @invariant()
    def the_first_date_stays(self):
        if self.before.due_original is not None:
            assert self.record.due_original == self.before.due_original

    @invariant()
    def the_chain_holds_and_says_what_the_record_is(self):
        assert first_broken(self.links) is None
        assert fold(msgspec.json.decode(one.record) for one in self.links) == self.record
        broken = [*self.links[:-1], _spoilt(self.links[-1])]
        assert first_broken(broken) == len(self.links)

    @invariant()
    def a_record_outlives_its_storage(self):
        stored = msgspec.json.decode(msgspec.json.encode(self.record), type=Record)
        assert stored == self.record


def _spoilt(one: Link) -> Link:
    return replace(one, record=one.record.replace('"seq"', '"Seq"'))


Lives.TestCase.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
TestLives = Lives.TestCase
