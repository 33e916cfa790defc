"""The zones a visitor may choose from."""

import pytest

from calendars.templatetags.booking import zone_options


def test_the_chosen_zone_alone_is_selected() -> None:
    options = zone_options("America/Port-au-Prince")
    assert '<option value="America/Port-au-Prince" selected>Port-au-Prince</option>' in options
    assert options.count(" selected") == 1
    assert '<optgroup label="Europe"><option value="Europe/Amsterdam">Amsterdam</option>' in options
    assert "selected" in zone_options("UTC")


@pytest.mark.parametrize("name", ["", "Mars/Olympus", '"><script>'])
def test_an_unknown_zone_selects_nothing(name: str) -> None:
    assert "selected" not in zone_options(name)
    assert "script" not in zone_options(name)


def test_a_legacy_name_stays_chosen() -> None:
    assert '<option value="GB" selected>GB</option>' in zone_options("GB")
