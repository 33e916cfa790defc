"""The front-end files of others are the ones that were published, and each carries its licence."""

import hashlib
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parent.parent / "config" / "static"
VENDOR = STATIC / "vendor"
LOCK = dict(reversed(line.split("  ")) for line in (VENDOR / "checksums.txt").read_text().splitlines())


@pytest.mark.parametrize("name", sorted(LOCK))
def test_vendored_file_has_its_recorded_checksum(name: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == LOCK[name]


def test_every_vendored_file_is_recorded() -> None:
    present = {f"./{path.relative_to(VENDOR)}" for path in VENDOR.rglob("*") if path.parent != VENDOR}
    assert present - {name for name in present if (VENDOR / name).is_dir()} == set(LOCK)


def test_every_vendored_folder_has_a_licence_and_a_line_that_says_where_it_is_from() -> None:
    told = (VENDOR / "VENDORED.md").read_text()
    for folder in (path for path in VENDOR.iterdir() if path.is_dir()):
        assert (folder / "LICENSE").is_file()
        assert f"| {folder.name} |" in told


def test_no_vendored_file_names_a_source_map_we_do_not_ship() -> None:
    assert not [name for name in LOCK if b"sourceMappingURL" in (VENDOR / name).read_bytes()]
