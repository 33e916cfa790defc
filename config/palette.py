"""The admin's two ramps of colour, which are those of tandem.css: greys that lean to green, and its teal."""

ADMIN_COLOURS = {
    "base": {
        "50": "#f5f7f6",
        "100": "#eef2f1",
        "200": "#dde4e2",
        "300": "#b0bcb9",
        "400": "#93a09d",
        "500": "#5f6d6a",
        "600": "#465452",
        "700": "#2a3534",
        "800": "#1e2726",
        "900": "#161d1c",
        "950": "#0f1514",
    },
    "primary": {
        "50": "#eef8f7",
        "100": "#def0ee",
        "200": "#bfe2de",
        "300": "#86dbd4",
        "400": "#62c9c1",
        "500": "#2a9a95",
        "600": "#0b6b6b",
        "700": "#075454",
        "800": "#0a4646",
        "900": "#143532",
        "950": "#052120",
    },
}
