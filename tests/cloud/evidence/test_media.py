"""What a file is, its bytes say; and a photo does not tell where it was taken."""

import struct

import pytest

from cloud.evidence import media

QUANT = b"\xff\xdb\x00\x04\x00\x01"
FRAME = b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00"
SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\x12\xff\x00\x34\xff\xd0\x56"
JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
END = b"\xff\xd9"


def exif(orientation: int = 6, place: bytes = b"39.9042N 116.4074E", order: str = "<") -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    tiff = mark + struct.pack(f"{order}IH", 8, 1)
    tiff += struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack(f"{order}I", 0) + place
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def photo(*before: bytes, after: bytes = b"") -> bytes:
    return b"\xff\xd8" + b"".join(before) + QUANT + FRAME + SCAN + END + after


def test_a_photo_loses_its_place_its_maker_and_what_hangs_behind_it_and_stays_the_right_way_up():
    given = photo(
        JFIF,
        exif(6),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0 40.1N"),
        segment(0xED, b"Photoshop 3.0 Beijing"),
        segment(0xFE, b"taken by Zhang"),
        segment(0xE2, b"MPF\0 second picture"),
        segment(0xE2, b"ICC_PROFILE\0\1\1 colours"),
        after=b"ftypmp42 a film with its place 39.9042N",
    )
    kept, taken_out = media.without_metadata(given)
    for told in (b"39.9042N", b"40.1N", b"Beijing", b"Zhang", b"MPF", b"film"):
        assert told in given
        assert told not in kept
    assert b"colours" in kept
    assert kept.startswith(b"\xff\xd8" + JFIF)
    assert kept.endswith(QUANT + FRAME + SCAN + END)
    assert taken_out == len(given) - len(kept)
    # Cleaned again it stays as it is: which side is up is all that is left to say.
    assert media.without_metadata(kept).content == kept
    assert struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) in kept


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_photo_that_lies_as_it_was_taken_keeps_no_exif_at_all(order):
    assert b"Exif" not in media.without_metadata(photo(exif(1, order=order))).content
    assert b"Exif" in media.without_metadata(photo(exif(3, order=order))).content


@pytest.mark.parametrize("cut", range(2, len(photo(exif()))))
def test_a_photo_that_breaks_off_is_refused_and_never_stumbled_over(cut):
    with pytest.raises(media.NotTakenError):
        media.without_metadata(photo(exif())[:cut])


@pytest.mark.parametrize("again", [b"\xff\xdb\x00\x02", b"\xff\xd0", b"\xff\xda\x00\x02\x00"])
def test_a_photo_of_more_segments_than_any_has_is_refused_before_it_costs_much(again):
    with pytest.raises(media.NotTakenError, match="segments"):
        media.without_metadata(photo(again * 3000))


def test_fill_bytes_before_a_marker_are_passed_over():
    given = photo(b"\xff" * 5000 + JFIF)
    assert media.without_metadata(given).content == given


def test_an_exif_of_nonsense_says_nothing():
    for tiff in (b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff"):
        assert media.without_metadata(photo(segment(0xE1, b"Exif\0\0" + tiff))).content == photo()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (photo(), "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7", "application/pdf"),
        (b"\0\0\0\x18ftypisom", "video/mp4"),
    ],
)
def test_it_is_what_its_first_bytes_say(content, media_type):
    assert media.media_of(content).media_type == media_type


@pytest.mark.parametrize(
    "content", [b"", b"<svg onload=alert(1)>", b"<html>", b"MZ\x90", b"\0\0\0\x18ftypheic"]
)
def test_nothing_else_is_taken(content):
    with pytest.raises(media.NotTakenError):
        media.media_of(content)


def test_of_words_beside_the_picture_nothing_is_kept_wherever_they_stand():
    said = b"GPS 28.2282 taken by Zhang"
    jfif_with_another = JFIF[:2] + (16 + 75).to_bytes(2) + JFIF[4:-2] + b"\5\5" + said.ljust(75)
    hidden = [segment(marker, said) for marker in (0xE0, 0xEE, 0xF0, 0x02, 0xC8)]
    given = photo(jfif_with_another, *hidden)
    kept = media.without_metadata(given).content
    assert b"Zhang" in given
    assert b"Zhang" not in kept
    assert kept == media.without_metadata(photo(JFIF)).content
