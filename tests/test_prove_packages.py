"""Wheel and sdist: what is in them, and that each runs offline from its file in an environment without droplab."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import droplab
from tests.fresh import ASSETS, BUNDLE, ROOT, Environment, clone

pytestmark = [pytest.mark.prove, pytest.mark.timeout(1800)]
NAME = f"droplab-{droplab.__version__}"
LEFT_OUT = ("web/", "benchmarks/results/")
"""Of the repository, in no sdist: the front end's sources, whose bundle is inside, and tables of measurements."""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    return clone(tmp_path_factory.mktemp("clone") / "droplab")


@pytest.fixture(scope="module")
def built(fresh) -> dict[str, Path]:
    """Both, built from a fresh clone without a network; the wheel from the clone itself."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", "dist"], cwd=fresh, check=True)
    (wheel,), (sdist,) = (list((fresh / "dist").glob(f"{NAME}{end}")) for end in ("-*.whl", ".tar.gz"))
    return {"wheel": wheel, "sdist": sdist}


def tracked(fresh: Path) -> set[str]:
    bundle = {str(ASSETS / name) for name in BUNDLE}
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=fresh, text=True)
    return {name for name in listed.split("\0") if name} | bundle


def test_the_wheel_holds_the_package_and_its_licence_and_nothing_else(fresh, built):
    names = set(zipfile.ZipFile(built["wheel"]).namelist())
    about = {name for name in names if name.startswith(f"{NAME}.dist-info/")}
    package = {name.removeprefix("src/") for name in tracked(fresh) if name.startswith("src/droplab/")}
    assert names - about == package
    assert {"droplab/data/fashion/LICENSE", "droplab/py.typed", "droplab/report/assets/page.js"} <= names
    assert {Path(name).relative_to(f"{NAME}.dist-info").as_posix() for name in about} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }


def test_the_sdist_holds_what_is_tracked_and_the_pages_bundle(fresh, built):
    with tarfile.open(built["sdist"]) as packed:
        names = {name.removeprefix(f"{NAME}/") for name in packed.getnames()}
    assert names == {name for name in tracked(fresh) if not name.startswith(LEFT_OUT)} | {"PKG-INFO"}


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_it_runs_offline_from_its_file(built, kind, tmp_path):
    place = Environment(tmp_path / "environment")
    cwd = tmp_path / "elsewhere"
    cwd.mkdir()
    place.run("pip", "install", "--no-deps", str(built[kind]), cwd=cwd)
    assert place.run("droplab", "--version", cwd=cwd).strip() == droplab.__version__
    where = place.run("python", "-c", "import droplab; print(droplab.__file__)", cwd=cwd).strip()
    assert Path(where).is_relative_to(tmp_path / "environment")
    small = ("--train-size", "100", "--epochs", "2", "--seeds", "2", "--executor", "process", "--out", "first")
    told = place.run("droplab", "compare", *small, "--lang", "ja", cwd=cwd)
    assert "dropout 0.5" in told
    assert (cwd / "first" / "report.html").absolute().as_uri() in told
    page = (cwd / "first" / "report.html").read_text(encoding="utf-8")
    (bundle,) = (tmp_path / "environment").glob("lib/python*/site-packages/droplab/report/assets/page.js")
    assert bundle.read_text(encoding="utf-8")[:500] in page
    assert place.read_of_the_checkout() == []


def test_what_is_read_of_the_checkout_is_noted_and_the_network_is_forbidden(tmp_path):
    place = Environment(tmp_path / "environment")
    read = f"open({str(ROOT / 'README.md')!r}).close()"
    place.run("python", "-c", read, cwd=tmp_path)
    assert place.read_of_the_checkout() == [str(ROOT / "README.md")]
    ask = "import socket\ntry: socket.create_connection(('example.org', 80))\nexcept OSError as said: print(said)"
    assert place.run("python", "-c", ask, cwd=tmp_path).startswith("the network is forbidden here")
