import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendars.colours import contrast, is_hex, luminance, text_on


@given(st.integers(0, 0xFFFFFF))
def test_text_reads_on_every_colour_there_is(number: int) -> None:
    colour = f"#{number:06x}"
    assert contrast(luminance(colour), luminance(text_on(colour))) >= 4.5


@pytest.mark.parametrize(("colour", "text"), [("#f0c808", "#000000"), ("#0b6b6b", "#ffffff")])
def test_the_better_of_black_and_white_is_chosen(colour: str, text: str) -> None:
    assert text_on(colour) == text


@pytest.mark.parametrize("colour", ["grey", "", "#12345", "#12345g", "#123456;}", "#1234567"])
def test_only_hex_goes_into_a_style_sheet(colour: str) -> None:
    assert not is_hex(colour)
