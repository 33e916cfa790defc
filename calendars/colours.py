"""Text that can be read on a calendar's colour. Pure."""

import re

HEX = re.compile(r"^#[0-9a-fA-F]{6}$")
BLACK, WHITE = "#000000", "#ffffff"


def is_hex(colour: str) -> bool:
    """Whether `colour` is # and six digits, and therefore safe to write into a style sheet."""
    return bool(HEX.match(colour))


def text_on(colour: str) -> str:
    """Black or white, whichever reads better on `colour`: at least 4.5 to 1 on every colour there is."""
    light = luminance(colour)
    return BLACK if contrast(light, 0) >= contrast(light, 1) else WHITE


def contrast(one: float, other: float) -> float:
    """The contrast ratio of two luminances, from 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((one, other))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, from 0 to 1 (WCAG 2.2)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
