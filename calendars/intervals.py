"""Arithmetic on stretches of time, in whole seconds since the epoch; pure."""

from collections.abc import Iterable, Iterator, Sequence

# The end is not included.
Span = tuple[int, int]


def merge(spans: Iterable[Span]) -> list[Span]:
    """The same time in as few spans as possible, in order; empty ones are left out."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def intersect(ours: Sequence[Span], theirs: Sequence[Span]) -> list[Span]:
    """The time in both; each is in order and merged."""
    found, left, right = [], 0, 0
    while left < len(ours) and right < len(theirs):
        start, end = max(ours[left][0], theirs[right][0]), min(ours[left][1], theirs[right][1])
        if start < end:
            found.append((start, end))
        if ours[left][1] < theirs[right][1]:
            left += 1
        else:
            right += 1
    return found


def stretches(windows: Iterable[Span], forbidden: Sequence[Span]) -> Iterator[Span]:
    """The stretches in which a slot may start, both ends included: one sweep over both.

    `windows`: first and last start. `forbidden`: open intervals by their start, that may overlap; where two of them
    touch, a slot may start between them.
    """
    at, reach = 0, 0
    for low, high in windows:
        while at < len(forbidden) and forbidden[at][0] < low:
            reach = max(reach, forbidden[at][1])
            at += 1
        low = max(low, reach)
        while at < len(forbidden) and forbidden[at][0] < high:
            opens, closes = forbidden[at]
            at += 1
            if opens >= low:
                yield low, opens
            if closes > low:
                low = reach = closes
        if low <= high:
            yield low, high
