"""Every complaint about a file names file, line, field and the mend."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from sitewarden import documents
from sitewarden.errors import ConfigurationError


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    register: Annotated[int, msgspec.Meta(ge=0, le=65535, description="a register number from 0 to 65535")]
    on: str = "x"


class Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    points: dict[str, Inner] = {}
    buses: list[Inner] = []


FILE = Path("site.yaml")


def complaint(text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        documents.parse(text, Outer, FILE)
    return caught.value


def test_a_sound_file_is_read() -> None:
    value = documents.parse("name: a\npoints: {p: {register: 7, on: off}}\n", Outer, FILE).value
    assert value == Outer("a", {"p": Inner(7, "off")})


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() -> None:
    error = complaint("name: a\npoints:\n  p:\n    register: 1\n    regster: 2\n")
    assert (error.file, error.line, error.field) == (FILE, 5, "points.p.regster")
    assert error.mend == "Did you mean `register`?"


def test_a_number_out_of_bounds_is_found_under_the_right_key_of_a_mapping() -> None:
    error = complaint("name: a\npoints:\n  good: {register: 1}\n  bad: {register: 70000}\n")
    assert (error.line, error.field) == (4, "points.bad.register")
    assert "65535" in error.message
    assert error.mend == "Write a register number from 0 to 65535."


def test_a_wrong_type_in_a_list_is_found_by_its_index() -> None:
    error = complaint("name: a\nbuses:\n  - register: 1\n  - register: two\n")
    assert (error.line, error.field) == (4, "buses.1.register")


def test_a_missing_key_is_named_where_it_should_stand() -> None:
    error = complaint("points: {}\n")
    assert (error.line, error.field, error.message) == (1, "name", "is missing")


def test_a_key_given_twice_is_refused() -> None:
    error = complaint("name: a\nname: b\n")
    assert (error.line, error.field, error.message) == (2, "name", "is given twice")


def test_broken_yaml_names_its_line() -> None:
    assert complaint("name: a\npoints: {p: [}\n").line == 2


def test_a_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        documents.read(tmp_path / "none.yaml", Outer)


def test_a_later_complaint_finds_the_line_of_its_field() -> None:
    document = documents.parse("name: a\nbuses:\n  - register: 1\n  - register: 2\n", Outer, FILE)
    assert document.error("buses.1.register", "is taken", "Choose another.").line == 4
    assert str(document.error("name", "is odd", "Mend it.")) == "site.yaml:1: name: is odd. Mend it."


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("name: a\npoints: {p: {register: 010}}\n", "points.p.register"),
        ("name: a\npoints: {p: {register: 1:30}}\n", "points.p.register"),
        ("name: a\npoints: {p: {register: .nan}}\n", "points.p.register"),
        ("name: .inf\n", "name"),
        ("name: !!int abc\n", ""),
        ("name: \x07\n", ""),
        ("name: " + "[" * 5000 + "\n", ""),
    ],
)
def test_what_could_be_meant_otherwise_or_silence_a_limit_is_refused(text: str, field: str) -> None:
    assert complaint(text).field == field


def test_a_date_like_word_stays_a_word_and_an_exponent_a_number() -> None:
    assert documents.parse("name: 2026-11-20\n", Outer, FILE).value.name == "2026-11-20"
    assert documents.parse("1e+300", float, FILE).value == 1e300


def test_aliases_of_aliases_do_not_fill_the_memory(tmp_path: Path) -> None:
    rows = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    rows += [f"{b}: &{b} [{', '.join(['*' + a] * 10)}]" for a, b in zip("abcdefg", "bcdefgh", strict=True)]
    file = tmp_path / "bomb.yaml"
    file.write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="more than 100000 values"):
        documents.read(file, dict[str, Any])


@pytest.mark.parametrize("escape", [r"\0", r"\ud800"], ids=["NUL", "half a character"])
def test_what_no_message_or_database_takes_is_no_name(escape: str) -> None:
    error = complaint(f'buses: []\nname: "a{escape}b"\n')
    assert (error.line, error.field) == (2, "name")
    error = complaint(f'name: a\npoints:\n  "p{escape}": {{register: 7}}\n')
    assert (error.line, error.field) == (3, "points")
    assert str(error).encode().find(b"\0") < 0


@pytest.mark.parametrize(
    ("text", "line", "mend"),
    [
        ("name：a\nbuses: []\n", 1, "Write `:` and a space in place of `：`."),
        ("name: a\npoints: {p: {register: 7，on: x}}\n", 2, "Write `,` and a space in place of `，`."),
        ("name: a\npoints: {p: ｛register: 7}}\n", 2, "Write `{` in place of `｛`."),
        ("name: a\npoints:\n\tp: {register: 7}\n", 3, "Write spaces here: this is a tab."),
        (
            "name: a\npoints:\n\u00a0\u00a0p: {register: 7}\n",
            3,
            "Write spaces here: this is a no-break space.",
        ),
        (
            "name: a\npoints:\n\u3000p: {register: 7}\n",
            3,
            "Write spaces here: this is a Chinese (full-width) space.",
        ),
        ("name: a\npoints: {p：{register: 7}}\n", 2, "Write `:` and a space in place of `：`."),
        (
            "name: a\nbuses: [{register: １}]\n",
            2,
            "Write a register number from 0 to 65535. Write `1` in place of `１`.",
        ),
        # Among Chinese words it is meant, and so it is in a comment and behind the place.
        ("name: 东，西\npoints: 东，西\n", 2, "Write a value of that kind."),
        ("name: a  # 名，：\npoints: {p: [}\n", 2, "Mend the indentation or quotes."),
        ("name: '名，：'\npoints: {p: [}\n", 2, "Mend the indentation or quotes."),
        ("points:\n- 塔机：一号\n- 塔机：二号\nname: [\n", 5, "Mend the indentation or quotes."),
        ("name: a\n---\nname: b\n", 2, "Keep one document in a file: take `---` and what follows it out."),
    ],
)
def test_signs_of_an_input_method_are_named_where_they_stand(text: str, line: int, mend: str) -> None:
    error = complaint(text)
    assert (error.line, error.mend) == (line, mend)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n"])
def test_an_empty_file_says_what_it_needs(text: str) -> None:
    error = complaint(text)
    assert (error.line, error.message, error.mend) == (1, "is empty", "Write `name:`.")


def test_a_wrong_kind_is_said_in_words_of_yaml() -> None:
    assert complaint("- a\n").message == "expected keys with values, got a list"
    assert complaint("name:\n").message == "expected text, got nothing"


def test_of_kinds_that_a_word_tells_apart_only_the_keys_of_the_one_are_known() -> None:
    class Bus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="way"):
        host: str = ""

    class Tcp(Bus, frozen=True, tag="tcp"):
        port: int = 0

    class Line(Bus, frozen=True, tag="line"):
        baudrate: int = 0

    with pytest.raises(ConfigurationError) as caught:
        documents.parse("way: tcp\nspeed: 1\n", Tcp | Line, FILE)
    assert caught.value.mend == "Known keys here: host, port."


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("name: a\n".encode("utf-16"), "site.yaml:1: is not UTF-8 text but UTF-16. Save it as UTF-8."),
        ("name: a\n".encode("utf-16-le"), "site.yaml:1: is not UTF-8 text but UTF-16. Save it as UTF-8."),
        ("name: a\nbuses: []\n# 塔机\n".encode("gbk"), "site.yaml:3: is not UTF-8 text. Save it as UTF-8."),
    ],
)
def test_a_file_in_another_encoding_says_so(data: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_bytes(data)
    with pytest.raises(ConfigurationError) as caught:
        documents.read(file, Outer)
    assert str(caught.value).endswith(said)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("name: a\n", encoding="utf-8-sig")
    assert documents.load(file, Outer) == Outer("a")


def test_a_list_is_no_key() -> None:
    error = complaint("name: a\npoints: {[1, 2]: {register: 7}}\n")
    assert (error.line, error.field, error.mend) == (2, "points", "Quote it.")


def test_an_empty_file_that_needs_nothing_says_what_it_may_hold() -> None:
    class Optional(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        port: int = 80
        host: str = ""

    with pytest.raises(ConfigurationError) as caught:
        documents.parse("", Optional, FILE)
    assert caught.value.mend == "Known keys here: host, port."
