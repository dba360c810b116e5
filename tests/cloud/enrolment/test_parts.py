"""Codes, hashes and the broker's file, as functions."""

from hypothesis import given
from hypothesis import strategies as st

from cloud.enrolment.code import ALPHABET, new_code, read_code
from cloud.enrolment.passwords import fits, new_password, password_hash
from cloud.enrolment.roster import projected

USERS = st.sampled_from(["cloud", "replay", "demo/gw-1", "demo/gw-2", "other/gw-1"])
FILES = st.lists(USERS.map(lambda user: f"{user}:hash of {user}"), max_size=6)
GATEWAYS = st.dictionaries(st.sampled_from(["demo/gw-1", "demo/gw-2"]), st.sampled_from([None, "$7$new"]))


def test_a_code_is_read_however_it_is_typed():
    code = new_code()
    shown = str(code)
    assert len(shown) == len("K7QF-3M9X-PW4T")
    assert set(shown) - {"-"} <= set(ALPHABET)
    for typed in (shown, shown.lower(), shown.replace("-", ""), shown.replace("-", " "), f" {shown} "):
        assert read_code(typed) == code
    for wrong in ("", "K7QF-3M9X", shown + "A", shown[:-1] + "0", shown[:-1] + "é"):
        assert read_code(wrong) is None


def test_a_code_holds_no_letter_that_is_taken_for_another():
    assert not set("01OIU") & set(ALPHABET)


def test_a_password_fits_its_own_hash_and_nothing_else():
    password = new_password()
    hashed = password_hash(password)
    assert fits(password, hashed)
    assert not fits(password + "x", hashed)
    assert hashed != password_hash(password)
    for broken in (None, "", "plain", "$6$101$c2FsdA==$aGFzaA==", "$7$x$y$z", "$7$0$AAAA$AAAA", "$7$101$A$A"):
        assert not fits(password, broken)


@given(FILES, GATEWAYS)
def test_the_broker_s_file_has_the_gateways_as_told_and_all_others_as_they_were(lines, gateways):
    before = "".join(f"{line}\n" for line in lines)
    after = projected(before, gateways).splitlines()
    assert [line for line in after if line.split(":")[0] not in gateways] == [
        line for line in lines if line.split(":")[0] not in gateways
    ]
    for user, hashed in gateways.items():
        found = [line for line in after if line.split(":")[0] == user]
        assert found == ([] if hashed is None else [f"{user}:{hashed}"])
    assert projected(projected(before, gateways), gateways) == projected(before, gateways)
