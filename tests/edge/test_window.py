"""What goes next: live before backlog, never too much at once, and everything in the end."""

from hypothesis import given
from hypothesis import strategies as st

from edge.window import LAG, Span, Window


def window(records: int = 8, size: int = 1000) -> Window:
    return Window(records=records, size=size, resend_s=10.0)


def send(window: Window, span: Span, *, size: int = 1) -> list[int]:
    """Send all of a span that fits, every record of it being there."""
    seqs = list(range(span.first, min(span.last, span.first + span.limit - 1) + 1))
    for seq in seqs:
        window.sent(seq, size, now=0.0)
    window.advance(span, seqs[-1])
    return seqs


def test_what_is_written_after_connecting_goes_before_what_waited() -> None:
    w = window()
    w.begin(101)
    assert w.choose(101) == Span(1, 100, 6, is_backlog=True)
    assert w.choose(103) == Span(101, 102, 8, is_backlog=False)


def test_backlog_leaves_room_for_live() -> None:
    w = window(records=8)
    w.begin(101)
    span = w.choose(101)
    assert span is not None
    assert send(w, span) == [1, 2, 3, 4, 5, 6]
    assert w.choose(101) is None
    live = w.choose(102)
    assert live == Span(101, 101, 2, is_backlog=False)


def test_a_full_window_waits_for_a_receipt() -> None:
    w = window(records=2)
    w.begin(1)
    span = w.choose(5)
    assert span is not None
    send(w, span)
    assert w.is_full
    assert w.choose(5) is None
    w.gone([1])
    assert w.choose(5) == Span(3, 4, 1, is_backlog=False)


def test_bytes_bound_a_window_too_but_one_record_always_fits() -> None:
    w = window(records=8, size=1000)
    w.begin(1)
    w.sent(1, 5000, now=0.0)
    assert w.is_full
    w.gone([1])
    assert not w.is_full


def test_without_a_receipt_a_record_is_overdue_after_ten_seconds() -> None:
    w = window()
    w.begin(1)
    w.sent(1, 1, now=100.0)
    w.sent(2, 1, now=101.0)
    assert (w.overdue(109.9), w.next_resend_at()) == ([], 110.0)
    assert w.overdue(110.0) == [1]
    w.sent(1, 1, now=110.0)
    assert w.overdue(111.0) == [2]
    assert len(w) == 2


def test_a_mended_cause_makes_everything_due_at_once() -> None:
    w = window()
    w.begin(1)
    w.sent(1, 1, now=100.0)
    w.resend_all(101.0)
    assert w.overdue(101.0) == [1]


def adaptive() -> Window:
    return Window(records=99, size=1000, most=4000, resend_s=10.0)


def flight(w: Window, *, first: int, sent: float, receipted: float, count: int = 10) -> None:
    """So many records of 100 bytes, sent and receipted at those instants."""
    for seq in range(first, first + count):
        w.sent(seq, 100, now=sent)
    w.receipted(range(first, first + count), now=receipted)


def test_prompt_receipts_of_a_full_window_let_more_be_under_way_up_to_a_bound() -> None:
    w = adaptive()
    w.begin(1)
    flight(w, first=1, sent=0.0, receipted=0.2)
    assert w.free_bytes == 2000
    for n in range(1, 9):
        flight(w, first=100 * n, sent=1.0, receipted=1.2, count=40)
    assert w.free_bytes == 4000


def test_a_window_that_is_not_filled_does_not_grow() -> None:
    w = adaptive()
    w.begin(1)
    for n in range(9):
        flight(w, first=10 * n, sent=0.0, receipted=0.1, count=2)
    assert w.free_bytes == 1000


def test_late_receipts_halve_what_may_be_under_way_once_a_round() -> None:
    w = adaptive()
    w.begin(1)
    flight(w, first=1, sent=0.0, receipted=0.2)
    for seq in (50, 51, 52):
        w.sent(seq, 100, now=1.0)
    w.receipted([50], now=4.0)
    w.receipted([51], now=5.0)
    assert w.free_bytes == 1000 - 100
    flight(w, first=60, sent=6.0, receipted=9.0)
    assert w.free_bytes == 1000 - 100, "never less than the least"


def test_without_receipts_and_on_a_new_connection_the_window_is_as_small_as_can_be() -> None:
    w = adaptive()
    w.begin(1)
    flight(w, first=1, sent=0.0, receipted=0.2)
    w.sent(20, 100, now=1.0)
    assert w.overdue(11.0) == [20]
    assert w.free_bytes == 900
    flight(w, first=30, sent=20.0, receipted=20.1)
    w.begin(40)
    assert w.free_bytes == 1000


def test_what_turns_up_later_is_backlog() -> None:
    w = window()
    w.begin(11)
    span = w.choose(11)
    assert span is not None
    w.advance(span, 10)
    assert w.choose(11) is None
    w.look_again()
    assert w.choose(11) == Span(1, 10, 6, is_backlog=True)


def test_a_new_connection_takes_nothing_as_sent() -> None:
    w = window()
    w.begin(1)
    w.sent(1, 1, now=0.0)
    w.begin(2)
    assert len(w) == 0
    assert w.choose(2) == Span(1, 1, 6, is_backlog=True)


def test_live_records_that_nobody_takes_become_backlog_behind_the_newest() -> None:
    w = window(records=4)
    w.begin(1)
    span = w.choose(5)
    assert span is not None
    send(w, span)
    assert w.choose(5 + LAG) is None
    assert w.choose(6 + LAG) is None  # rebased while the window is full
    w.gone([1, 2, 3, 4])
    assert w.choose(6 + LAG) == Span(5 + LAG, 5 + LAG, 4, is_backlog=False)


@given(
    steps=st.lists(st.tuples(st.integers(0, 90), st.integers(0, 12), st.booleans()), max_size=40),
    records=st.integers(4, 32),
)
def test_everything_is_sent_in_the_end_whatever_comes_between(
    steps: list[tuple[int, int, bool]], records: int
) -> None:
    """Written, receipted, reconnected at random: empty in the end, the window never over-full."""
    w, outbox, next_seq, flight = window(records=records, size=10**9), set[int](), 1, list[int]()

    def fill() -> None:
        while (span := w.choose(next_seq)) is not None:
            found = sorted(seq for seq in outbox if span.first <= seq <= span.last)[: span.limit]
            for seq in found:
                w.sent(seq, 1, now=0.0)
                flight.append(seq)
            w.advance(span, found[-1] if found else span.last)
            assert len(w) <= records

    w.begin(next_seq)
    for written, receipted, reconnects in steps:
        outbox |= set(range(next_seq, next_seq + written))
        next_seq += written
        if reconnects:
            flight.clear()
            w.begin(next_seq)
        fill()
        for _ in range(min(receipted, len(flight))):
            seq = flight.pop(0)
            outbox.discard(seq)
            w.gone([seq])
    while outbox:
        fill()
        assert flight, "records wait, but nothing is under way"
        seq = flight.pop(0)
        outbox.discard(seq)
        w.gone([seq])
