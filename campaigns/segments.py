"""How many SMS a text is sent and paid as. Pure.

The alphabets and lengths are 3GPP TS 23.038 and 23.040: the GSM 7-bit alphabet with its extension table, or UCS-2
for a text with one character beyond it.
"""

from dataclasses import dataclass

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each is told as an escape and a second character.
EXTENDED = frozenset("\f^{}\\[~]|€")
# What fits into a text alone, and into each part of a longer one, which tells its place in the whole.
GSM_ALONE, GSM_PART = 160, 153
UCS_ALONE, UCS_PART = 70, 67


@dataclass(frozen=True, slots=True)
class Segments:
    """`units`: characters as they are counted. `left`: how many more fit in the last segment. `beyond`: the characters
    for which the whole text is told in UCS-2, where a segment holds less than half; "" when there is none."""

    count: int
    units: int
    left: int
    beyond: str = ""


def segments_of(text: str) -> Segments:
    beyond = "".join(dict.fromkeys(each for each in text if each not in BASIC and each not in EXTENDED))
    sizes = [_ucs_size(each) if beyond else _gsm_size(each) for each in text]
    alone, part = (UCS_ALONE, UCS_PART) if beyond else (GSM_ALONE, GSM_PART)
    units = sum(sizes)
    if units <= alone:
        return Segments(1 if text else 0, units, alone - units, beyond)
    count, used = _packed(sizes, part)
    return Segments(count, units, part - used, beyond)


def _packed(sizes: list[int], part: int) -> tuple[int, int]:
    """How many parts, and how full the last is. A character of two is never cut in half."""
    count, used = 1, 0
    for size in sizes:
        if used + size > part:
            count, used = count + 1, 0
        used += size
    return count, used


def _gsm_size(character: str) -> int:
    return 2 if character in EXTENDED else 1


def _ucs_size(character: str) -> int:
    return 2 if ord(character) > 0xFFFF else 1
