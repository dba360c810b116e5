"""The roles as data: complete, known, and without a way up."""

import pytest

from cloud.accounts.holding import Held, devices_permitted, permissions_of
from cloud.accounts.permissions import PUBLIC, SIGNED_IN, declared_permissions
from cloud.accounts.roles import ADMIN, VIEWER, UnknownPermissionError, roles, roles_giving, roles_with
from cloud.app import make_app
from cloud.settings import Settings

ROLES = roles().roles


def test_every_word_of_the_roles_is_known():
    for role in ROLES:
        assert roles().permissions_of(role) <= set(roles().permissions), role
        assert roles().given_by(role) <= set(ROLES), role


def test_every_permission_that_a_route_asks_is_had_by_somebody_below_the_administrator():
    asked = set(declared_permissions(make_app(Settings.nowhere(), "")).values()) - {PUBLIC, SIGNED_IN}
    assert {permission for permission in asked if roles_with(permission) == [ADMIN]} == set()


def test_only_who_manages_accounts_gives_roles():
    for role, its in ROLES.items():
        assert bool(its.gives) == ("accounts.manage" in roles().permissions_of(role)), role


def test_no_role_leads_up_to_another_that_gave_it():
    def reached(role: str) -> set[str]:
        found: set[str] = set()
        waiting = [role]
        while waiting:
            for given in roles().given_by(waiting.pop()) - found:
                found.add(given)
                waiting.append(given)
        return found

    for role in set(ROLES) - {ADMIN}:
        for given in roles().given_by(role) - {role}:
            assert role not in reached(given), f"{role} gives {given}, which leads back"
        assert ADMIN not in reached(role)
        if role in {"enterprise_principal", "safety_director", "project_manager", "platform_operator"}:
            # Whoever is controlled appoints nobody who controls him.
            controls = {"limits.approve", "devices.witness", "hazards.close_major"}
            for below in reached(role):
                assert not controls & roles().permissions_of(below), (role, below)


def test_a_viewer_changes_nothing():
    kinds = {permission.partition(".")[2] for permission in roles().permissions_of(VIEWER)}
    assert kinds == {"view", "run", "steer"}


def test_a_permission_is_for_the_devices_of_the_roles_that_have_it():
    crane = frozenset({"crane-1"})
    operator, watcher = Held(role="equipment_operator", devices=crane), Held(role=VIEWER)
    assert devices_permitted([operator], "alarms.acknowledge") == crane
    assert devices_permitted([operator, watcher], "live.view") is None
    assert devices_permitted([operator, watcher], "alarms.acknowledge") == crane
    assert devices_permitted([watcher], "alarms.acknowledge") == frozenset()
    assert devices_permitted([], "live.view") == frozenset()
    assert "alarms.acknowledge" in permissions_of([operator, watcher])


def test_a_role_that_is_no_more_permits_nothing():
    assert permissions_of([Held(role="of-an-older-version")]) == []


def test_what_there_is_not_is_asked_for_by_nobody():
    with pytest.raises(UnknownPermissionError, match=r"all\.of\.it"):
        roles_with("all.of.it")
    assert roles_giving("supervision_engineer") == [ADMIN, "county_authority"]
