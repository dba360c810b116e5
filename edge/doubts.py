"""What a configuration can mean, and what leaves somebody in danger unheard all the same."""

from collections.abc import Iterator

from edge.busload import load_of
from edge.config import Gateway
from edge.grouping import doubts_of
from edge.rules import unasked, unwatched_points
from edge.vision import card
from sitewarden.errors import ConfigurationError

FULL_PERCENT = 80
"""A bus that is held longer has no room for a second try."""


def doubts(gateway: Gateway) -> Iterator[str]:
    """All of them, for people."""
    yield from unheard(gateway)
    yield from unjudged(gateway)
    yield from unseen(gateway)
    for bus in gateway.buses:
        percent = load_of(bus).percent
        if percent > FULL_PERCENT:
            yield f"bus {bus.name} would be held {percent:.0f} % of its time: poll slower or split it"


def unheard(gateway: Gateway) -> Iterator[str]:
    """Those by which nobody is warned at all, or cranes stand where they must not."""
    if not gateway.outputs:
        yield "`outputs` is empty: on site an alarm is neither heard nor seen"
    if not any(device.rules for device in gateway.devices):
        yield "no rule watches anything: there will be no alarm"
    for device in gateway.devices:
        if device.is_on_trial:
            yield f"{device.name} is on trial (试运行): its alarms sound nothing and open no hazard"
    for group in gateway.groups:
        yield from doubts_of(group)


def unseen(gateway: Gateway) -> Iterator[str]:
    """Pictures that nobody far away would see, and models that could not look at any: others would."""
    if gateway.cameras and gateway.broker.cloud is None:
        yield "`broker.cloud` is missing: pictures of cameras stay on this gateway"
    for camera in gateway.cameras:
        if camera.entry.pictures.unredacted and gateway.broker.cloud is None:
            yield f"{camera.name}: without `broker.cloud` its pictures are redacted in spite of `unredacted`"
        if camera.address is not None and camera.entry.password_file is None:
            yield (
                f"{camera.name}: its login stands in `url:`; better write {{username}} and {{password}} "
                "there, and `password_file:`"
            )
    settings = gateway.vision
    for name in {settings.detector, settings.smaller} if gateway.cameras else ():
        try:
            card.load(card.card_file(name))
        except ConfigurationError as exc:
            yield f"a model that ships looks instead: {exc}"


def unjudged(gateway: Gateway) -> Iterator[str]:
    """Those about single points and rules: often meant, for not everything that is read has a limit."""
    for device in gateway.devices:
        if device.rules and (unwatched := unwatched_points(device)):
            yield f"no rule watches {', '.join(unwatched)}"
        for parameter, points in unasked(device).items():
            yield f"`{parameter}` is not given under `parameters:`; with it rules judge {', '.join(points)}"
        yield from (f"{device.name}: {why}" for why in device.unjudged)
