"""``droplab kinds``."""

from __future__ import annotations

import subprocess
import sys

import pytest

from droplab.cli import main
from droplab.variants.catalog import CATALOG


def test_the_list_names_every_row(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    main(["kinds"])
    said = capsys.readouterr().out
    assert all(name in said for name in CATALOG)


LIGHT = """
import sys
from droplab.cli import main
try:
    main(sys.argv[1:])
finally:
    assert "torch" not in sys.modules
"""


def test_the_list_needs_no_torch():
    subprocess.run([sys.executable, "-c", LIGHT, "kinds"], check=True, capture_output=True)


def test_a_kind_that_does_not_hold_is_said_before_torch_is_loaded(tmp_path):
    spec = tmp_path / "spec.toml"
    spec.write_text('[[arms]]\nname = "a"\np = 0.2\nlayer = { name = "drop_path", mode = "x" }\n')
    ran = subprocess.run(
        [sys.executable, "-c", LIGHT, "compare", str(spec)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "DropPath got mode 'x'; 'row' or 'batch' is wanted" in ran.stderr


def test_one_row_is_told_in_japanese(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    main(["kinds", "drop_path", "--lang", "ja"])
    said = capsys.readouterr().out
    assert "残差の枝" in said
    assert "Huang et al." in said
    assert 'kind = "drop_path"' in said


@pytest.mark.parametrize(("words", "said"), [(["drop_pth"], "did you mean 'drop_path'"), (["--lang", "fr"], "'fr'")])
def test_mistakes_end_with_two(words, said, capsys):
    with pytest.raises(SystemExit) as end:
        main(["kinds", *words])
    assert end.value.code == 2
    assert said in capsys.readouterr().err
