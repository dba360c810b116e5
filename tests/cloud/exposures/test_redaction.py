"""What must not go out to the public is found, and ordinary words are let through."""

import pytest

from cloud.exposures.redaction import betrayals

KNOWN = ("张安全", "QTZ80-0147", "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("请联系 13900001234 了解", "13900001234"),
        ("电话 139 0000 1234", "139 0000 1234"),
        ("电话１３９００００１２３４", "13900001234"),
        ("电话139\u200b00001234", "13900001234"),
        ("座机 0731-84012345", "0731-84012345"),
        ("热线 400-123-4567", "400-123-4567"),
        ("身份证 43010219900101123X", "43010219900101123X"),
        ("位于 28.228209, 112.938814", "28.228209"),
        ("东经 112°56′", "112°56′"),
        ("写信到 a.b@example.com", "a.b@example.com"),
        ("安全员张安全未到岗", "张安全"),
        ("塔机 qtz80-0147 标准节", "QTZ80-0147"),
    ],
    ids=range(12),
)
def test_what_gives_somebody_away_is_found_however_it_is_written(text, found):
    assert found in betrayals(text, KNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-27 发现 3 号楼东侧塔机标准节螺栓缺失 12 颗，逾期 15 天未整改",
        "依据建质规〔2022〕2号第八条第（五）项，罚款 30000 元",
        "基坑变形 32.5 mm，超过限值 30 mm；风速 13.8 m/s",
        "",
    ],
    ids=range(4),
)
def test_ordinary_words_go_out(text):
    assert betrayals(text, KNOWN) == []
