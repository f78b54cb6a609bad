"""Commands that print text wait for no torch, and for no pydantic either."""

from __future__ import annotations

import subprocess
import sys

LIGHT = """
import sys
from droplab.cli import main

for line in sys.argv[1:]:
    try:
        main(line.split("|"))
    except SystemExit as end:
        assert end.code == 0, (line, end.code)
    heavy = {"torch", "pydantic", "numba"} & set(sys.modules)
    assert not heavy, (line, heavy)
"""


def test_what_only_prints_loads_nothing_heavy(finished):
    folder = finished.folder
    commands = ["--help", "compare|--help", "export|--help|--lang|ja", "data|list", "kinds", "kinds|drop_path"]
    commands += [f"runs|{folder}", f"runs|{folder}|--json", f"verdict|{folder}", f"verdict|{folder}|--form|json"]
    commands += [f"verdict|{folder}|--lang|ja", f"plan|{folder}", f"figure|{folder}", f"figure|{folder}|inside"]
    ran = subprocess.run([sys.executable, "-c", LIGHT, *commands], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
