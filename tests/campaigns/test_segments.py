"""How many SMS a text is: the edges of both alphabets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.segments import Segments, segments_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments(0, 0, 160)),
        ("a" * 160, Segments(1, 160, 0)),
        ("a" * 161, Segments(2, 161, 145)),
        ("a" * 306, Segments(2, 306, 0)),
        ("a" * 307, Segments(3, 307, 152)),
        # The euro sign and brackets take two places, and are not cut in half.
        ("€" * 80, Segments(1, 160, 0)),
        ("a" * 152 + "€" + "a" * 10, Segments(2, 164, 141)),
        ("Grüße £5 à 9¿", Segments(1, 13, 147)),
        # One curly apostrophe makes the whole text UCS-2.
        ("a" * 69 + "’", Segments(1, 70, 0, "’")),
        ("a" * 70 + "’", Segments(2, 71, 63, "’")),
        ("ç" + "a" * 69, Segments(1, 70, 0, "ç")),
        ("😀" * 35, Segments(1, 70, 0, "😀")),
        ("😀" * 36, Segments(2, 72, 61, "😀")),
        ("😀" * 33 + "a" + "😀", Segments(1, 69, 1, "😀")),
        ("“Hi” – see you", Segments(1, 14, 56, "“”–")),
    ],
)
def test_segments_are_counted_as_carriers_do(text: str, expected: Segments) -> None:
    assert segments_of(text) == expected


@given(st.text(max_size=400))
def test_a_longer_text_never_takes_fewer_segments(text: str) -> None:
    assert segments_of(text + "a").count >= segments_of(text).count
