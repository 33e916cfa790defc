"""The time zones people choose from."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

Choice = tuple[str, str]

REGIONS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


@cache
def zone_choices() -> list[tuple[str, list[Choice]]]:
    """IANA names as choices grouped by region; legacy names outside the regions are left out, UTC is kept."""
    groups: dict[str, list[Choice]] = {region: [] for region in REGIONS}
    for name in sorted(available_timezones()):
        region, _, place = name.partition("/")
        if region in groups:
            groups[region].append((name, place.replace("_", " ").replace("/", ", ")))
    return [("Everywhere", [("UTC", "UTC")]), *groups.items()]


def zone_choices_with(name: str) -> list[tuple[str, list[Choice]]]:
    """The choices, and `name` among them even where it is a legacy one ("GB")."""
    is_listed = any(name == each for _, choices in zone_choices() for each, _ in choices)
    return zone_choices() if is_listed else [("Now shown", [(name, name)]), *zone_choices()]


def zone_or_none(name: str) -> ZoneInfo | None:
    """The zone called `name`, or None when there is none such (imports and Google may bring any text)."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None
