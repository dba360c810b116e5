"""Boxes open for whom they are closed, whole, and for nobody else."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import mediafiles
from sitewarden import boxes

PRIVATE, OTHER = bytes(range(32)), bytes(range(1, 33))
CONTENT = b"a head as it is"
HASH = hashlib.sha256(CONTENT).digest()


@given(content=st.binary(max_size=2000))
def test_a_box_holds_what_was_put_into_it_and_is_never_the_same(content: bytes) -> None:
    sha256, public = hashlib.sha256(content).digest(), boxes.public_of(PRIVATE)
    one, other = (boxes.closed(content, public, sha256) for _ in range(2))
    assert one != other
    assert len(one) == len(content) + boxes.OVERHEAD
    assert boxes.opened(one, PRIVATE, sha256) == content


def test_a_gateway_reckons_with_the_size_of_a_box_without_the_library_that_closes_it() -> None:
    assert (mediafiles._BOX_BYTES, mediafiles.KEY_BYTES) == (boxes.OVERHEAD, boxes.KEY_BYTES)


@given(at=st.integers(0, len(CONTENT) + boxes.OVERHEAD - 1), by=st.integers(1, 255))
def test_a_box_of_which_one_byte_was_changed_does_not_open(at: int, by: int) -> None:
    box = bytearray(boxes.closed(CONTENT, boxes.public_of(PRIVATE), HASH))
    box[at] ^= by
    # Nobody reckons with the highest bit of a point.
    if at == 4 + 31 and by == 128:
        return
    with pytest.raises(boxes.BoxError):
        boxes.opened(bytes(box), PRIVATE, HASH)


def test_a_box_opens_for_no_other_and_as_nothing_else() -> None:
    box = boxes.closed(CONTENT, boxes.public_of(PRIVATE), HASH)
    for private, sha256 in ((OTHER, HASH), (PRIVATE, hashlib.sha256(b"").digest())):
        with pytest.raises(boxes.BoxError):
            boxes.opened(box, private, sha256)
    for cut in (b"", box[:10], box[:-1]):
        with pytest.raises(boxes.BoxError):
            boxes.opened(cut, PRIVATE, HASH)


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(32)])
def test_nothing_is_closed_for_what_is_no_key(public: bytes) -> None:
    with pytest.raises(boxes.BoxError, match="no key"):
        boxes.closed(CONTENT, public, HASH)
