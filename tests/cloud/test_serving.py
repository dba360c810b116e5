"""What the routes of one process share."""

from cloud.serving import Own, Serving


def serving() -> Serving:
    return Serving(settings=None, dsn="", pool=None, hub=None, exporter=None, now_ms=lambda: 0)


def test_what_routes_remember_each_application_has_for_itself():
    tries, others = Own(list), Own(list)
    first, second = serving(), serving()
    tries.of(first).append("once")
    assert tries.of(first) == ["once"]
    assert others.of(first) == []
    assert tries.of(second) == []
