"""The house plan, where a tool does not already watch it."""

import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("bot", "intake", "core", "templates")
DRAWERS = {"utils.py", "helpers.py", "constants.py", "base.py", "common.py", "misc.py"}


def files_of(root: Path) -> list[Path]:
    """The files that belong to the project, committed or about to be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *PACKAGES, "tests"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
    return [Path(name) for name in listed if name and (root / name).exists()]


def keys_of(value: object, prefix: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from keys_of(below, f"{prefix}{key}.")
    else:
        yield prefix


def test_no_module_is_a_drawer_without_a_label(root: Path) -> None:
    assert [path for path in files_of(root) if path.name in DRAWERS] == []


def test_no_package_below_tests_hides_the_real_ones(root: Path) -> None:
    assert [path for path in files_of(root) if path.parts[0] == "tests" and path.name == "__init__.py"] == []


def test_every_module_of_ours_says_what_it_is_in_its_first_line(root: Path) -> None:
    modules = [path for path in files_of(root) if path.suffix == ".py" and path.parts[0] != "tests"]
    bare = [path for path in modules if (text := (root / path).read_text().lstrip()) and not text.startswith('"""')]
    assert bare == []


def test_every_language_has_the_same_templates_and_the_same_keys(root: Path) -> None:
    french = {path for path in files_of(root) if path.parts[0] == "templates" and "fr" in path.parts}
    folders = {Path(*path.parts[: path.parts.index("fr") + 1]) for path in french}
    for folder in folders:
        english = folder.parent / "en"
        if not (root / english).is_dir():
            continue
        names = {
            language: {p.relative_to(language) for p in files_of(root) if language in p.parents}
            for language in (folder, english)
        }
        assert names[folder] == names[english], f"{folder} and {english} do not hold the same files"
        for name in names[folder]:
            if name.suffix == ".toml":
                texts = [tomllib.loads((root / language / name).read_text()) for language in (folder, english)]
                assert set(keys_of(texts[0])) == set(keys_of(texts[1])), f"{name}: not the same keys in {english}"


def test_the_wheel_ships_every_template_and_data_file(root: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    shipped = set(zipfile.ZipFile(wheel).namelist())
    ours = {path.as_posix() for path in files_of(root) if path.parts[0] in PACKAGES}
    assert ours - shipped == set()
