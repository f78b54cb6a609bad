"""What a newcomer begins with: a clone of this repository, and an environment that holds nothing of droplab's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ASSETS = Path("src/droplab/report/assets")
BUNDLE = ("page.css", "page.js")
_WATCH = """
import sys

ROOT, LENT, LOG = {root!r}, {lent!r}, {log!r}


def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        path = arguments[0]
        if path.startswith(ROOT) and not any(path.startswith(place) for place in LENT):
            with open(LOG, "a") as log:
                log.write(path + "\\n")
    if event == "socket.getaddrinfo" or (event == "socket.connect" and isinstance(arguments[1], tuple)):
        where = arguments[0] if event == "socket.getaddrinfo" else arguments[1][0]
        if where not in ("127.0.0.1", "::1", "localhost", "", None):
            raise OSError(f"the network is forbidden here: {{arguments}}")


sys.addaudithook(watch)
"""


def clone(folder: Path) -> Path:
    """The last commit, cloned; the page's bundle, which git does not hold, is lent so that no network is needed.

    Where what builds packages is not here, the test is skipped.
    """
    pytest.importorskip("hatchling")
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    for name in BUNDLE:
        shutil.copy(ROOT / ASSETS / name, folder / ASSETS / name)
    return folder


class Environment:
    """A new environment with this one's dependencies: no network, and what it reads of the checkout is noted."""

    def __init__(self, folder: Path) -> None:
        venv.EnvBuilder(with_pip=True).create(folder)
        self.bin, self.log = folder / "bin", folder / "read.log"
        (site,) = folder.glob("lib/python*/site-packages")
        standard = Path(os.__file__).parent
        lent = [
            path
            for path in map(Path, sys.path)
            if path.is_dir() and standard not in {path, path.parent} and path not in {Path(), ROOT}
        ]
        self.lent = [str(path) for path in lent if not (path / "droplab").is_dir()]
        places = [*self.lent, sys.prefix, str(folder)]
        text = _WATCH.format(root=f"{ROOT}{os.sep}", lent=places, log=str(self.log))
        (site / "_watch.py").write_text(text, encoding="utf-8")
        (site / "lent.pth").write_text("\n".join([*self.lent, "import _watch", ""]), encoding="utf-8")
        self.run("pip", "uninstall", "--quiet", "--yes", "setuptools", cwd=folder)  # older Pythons bring an old one

    def run(self, *command: str, cwd: Path, **settings: str) -> str:
        """What a command prints, with this environment's programs first."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DROPLAB", "WANDB"))
        }
        settings = {
            "PATH": f"{self.bin}{os.pathsep}{kept.pop('PATH')}",
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say that the environment's own build backend is taken
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            **settings,
        }
        done = subprocess.run(command, cwd=cwd, env={**kept, **settings}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def read_of_the_checkout(self) -> list[str]:
        """Files that its Pythons opened there."""
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
