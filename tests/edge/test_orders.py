"""What the cloud asks is done once, and not where it names too little."""

from unittest.mock import Mock

from edge.orders import Hands, Orders
from sitewarden.messages import Command

NOW_MS = 1_763_650_000_000
PICTURE = "ab" * 32


def view(**changes) -> Command:
    asked = {"device": "gate", "picture": PICTURE, "until": NOW_MS + 60_000, "reason": "墙", "by": "王工"}
    return Command(command="view", **{**asked, **changes})


def test_a_view_is_accepted_as_one_picture_shows_it_and_not_too_late() -> None:
    hands = Mock(spec=Hands)
    orders = Orders(hands, lambda: NOW_MS)
    orders.obey(view(picture=None))
    orders.obey(view(device=None))
    orders.obey(view(until=NOW_MS))
    assert not hands.accept_view.called
    orders.obey(view())
    hands.accept_view.assert_called_once_with("gate", PICTURE, NOW_MS + 60_000)
