"""What the simulator writes into the clock block the gateway reads out of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitewarden import clockblock
from sitewarden.clockblock import ClockBlock, ClockBlockError, Due, State

octet, word, double = st.integers(0, 255), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF)
dues = st.builds(Due, word, octet, word, st.binary(max_size=255))
blocks = st.builds(
    ClockBlock,
    st.sampled_from(State),
    word,
    double,
    double,
    double,
    st.integers(-(2**63), 2**63 - 1),
    double,
    st.lists(dues, max_size=5),
)


@given(blocks)
def test_a_block_comes_back_as_it_was_written(block):
    registers = clockblock.encode(block)
    assert len(registers) >= clockblock.WINDOW
    assert clockblock.decode(registers) == block
    assert clockblock.size(registers[: clockblock.WINDOW]) <= len(registers)


@given(st.lists(word, max_size=200))
def test_other_registers_are_no_block_or_one(registers):
    try:
        clockblock.decode(registers)
    except ClockBlockError:
        return


def test_a_block_of_another_version_is_refused():
    registers = list(clockblock.encode(ClockBlock(State.READY, 0, 1, 1, 0, 0, 0, [])))
    registers[1] = 2
    with pytest.raises(ClockBlockError, match="version 2"):
        clockblock.decode(registers)
