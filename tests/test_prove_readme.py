"""From a fresh clone the README alone leads to a verdict, its page, a loop of one's own and an offline run of W&B."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import droplab
from tests.fresh import Environment, clone

pytestmark = [pytest.mark.prove, pytest.mark.timeout(1800)]
READMES = {"ja": ("README.ja.md", "## 四つのステップ"), "en": ("README.md", "## Four steps")}
PAUSE = "======"


def steps(page: Path, heading: str) -> list[tuple[str, str]]:
    """The blocks of a section with their languages, in order."""
    section = page.read_text(encoding="utf-8").partition(f"{heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL)


@pytest.mark.parametrize("lang", READMES)
def test_from_a_fresh_clone(lang, tmp_path):
    """Each block word for word, in one shell; what ``make demo`` would fetch is lent."""
    pytest.importorskip("wandb")
    home = clone(tmp_path / "droplab")
    place = Environment(home / ".venv")
    place.run("pip", "install", "--no-deps", "--editable", ".", cwd=home)
    (home / ".venv" / ".base").touch()
    script = []
    for language, block in steps(home / READMES[lang][0], READMES[lang][1]):
        if language == "sh":
            script.append(block)
        else:
            (home / re.match(r"# (\w+\.py)\n", block)[1]).write_text(block, encoding="utf-8")
    settings = {
        "PATH": os.environ["PATH"],  # the environment's programs are found once the README says how
        "HOME": str(tmp_path),
        "DROPLAB_TRACK_GRACE": "600",  # where the machine is busy
    }
    told = place.run("bash", "-ec", "exec 2>&1\n" + f"echo {PAUSE}\n".join(script), cwd=home, **settings)
    demo, page, loop, watched = told.split(f"{PAUSE}\n")

    first = home / "droplab-runs" / "first"
    assert {"ja": "早期終了時の値：", "en": "As deployed:"}[lang] in demo
    assert re.search(r"dropout 0\.5 +[+-]\d\.\d+ +\[[+-]", demo)
    assert (first / "report.html").as_uri() in demo
    assert page.strip().endswith("droplab-runs/first/report.html")
    assert "<html" in (first / "report.html").read_text(encoding="utf-8")[:300]

    assert {"ja": "学習ループ __main__:train", "en": "the loop __main__:train"}[lang] in loop
    assert {"0.1", "0.3"} <= set(re.findall(r"\d\.\d+", loop))

    runs = droplab.Results.read(home / "droplab-runs" / "watched").record.runs
    kept = list((home / "droplab-runs" / "watched" / "tracking" / "wandb").rglob("offline-run-*"))
    assert len([one for one in kept if one.is_dir()]) == len(runs) == 4
    assert "wandb sync" in watched
    assert place.read_of_the_checkout() == []
