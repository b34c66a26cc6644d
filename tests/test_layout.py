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


#: Said by the command line alone, which speaks English.
ENGLISH_ONLY = {Path("commands.toml")}


def test_english_holds_nothing_that_french_lacks(root: Path) -> None:
    """The house reads French: staff texts exist in French only; what customers read is compared in test_texts."""
    french = root / "templates" / "messages" / "fr"
    english = root / "templates" / "messages" / "en"
    names = {
        folder: {p.relative_to(folder) for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
        for folder in (french, english)
    }
    assert names[english] - ENGLISH_ONLY <= names[french]
    for name in names[english] - ENGLISH_ONLY:
        if name.suffix == ".toml":
            read = [set(keys_of(tomllib.loads((folder / name).read_text("utf-8")))) for folder in (french, english)]
            assert read[1] <= read[0], f"{name}: English keys that French lacks"


def test_the_wheel_ships_every_template_and_data_file(root: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    shipped = set(zipfile.ZipFile(wheel).namelist())
    ours = {path.as_posix() for path in files_of(root) if path.parts[0] in PACKAGES}
    assert ours - shipped == set()
