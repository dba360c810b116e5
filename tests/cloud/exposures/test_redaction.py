"""What would give somebody away is found however it is written, and plain facts are not."""

import pytest

from cloud.exposures.redaction import betrayals, doubts

NAMES = ["李县管", "Li Wei", "A01", "某监理公司"]


@pytest.mark.parametrize(
    "text",
    [
        "电话13900001234",
        "电话 １３９-0000-1234",
        "电话1 3 9 0 0 0 0 1 2 3 4",
        "电话139.0000.1234",
        "电话一三九零零零零一二三四",
        "电话幺三九〇〇〇〇 1234",
        "电话 0898-66001234",
        "身份证 11010519491231002X",
        "身份证 110105 1949 1231 002X",
        "琼A12345 泥头车",
        "粤B·D12345 停在坑边",
        "微信号：wxid_abc123",
        "QQ 12345678",
        "zhang@example.com",
        "坐标 20.0440, 110.1999",
        "李 县 管在场",
        "李·县管在场",
        "LI WEI was there",
        "某监理公司未到场",
    ],
)
def test_what_gives_somebody_away_is_found_however_it_is_written(text):
    assert betrayals(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20 09:30 检查发现，限 2026年11月27日前整改。",
        "1、2、3、4、5、6、7、8 号楼外架连墙件缺失。",
        "力矩 1250.5 kN·m，倾角 3.25°，间距 1.2、1.5、1.8 米。",
        "依据《建筑施工安全检查标准》JGJ 59-2011 第 3.1.3 条。",
        "a reliable machine",
        "塔机 QTZ80 标准节螺栓缺失两处，项目经理未到岗，安全总监未签字。",
    ],
)
def test_plain_facts_are_let_through(text):
    assert betrayals(text, NAMES) == []
    assert doubts(text) == []


def test_what_looks_like_a_name_is_a_doubt():
    found = doubts("王经理、老李师傅和张某在场，负责人：赵铁柱，司机叫孙七。Mr. Smith saw it.")
    assert found == ["王经理", "李师傅", "张某", "负责人:赵铁柱", "司机叫孙七", "Mr. Smith"]
