"""Every command and snippet of the documents runs; experiments are shrunk to seconds."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

import droplab.comparison
from droplab.cli import main
from droplab.experiment import run_experiment
from droplab.experiment.check import check_arms
from droplab.experiment.spec import ExperimentSpec

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Experiments of the documents, with fewer images, epochs and seeds."""

    def shrunk(spec, **options):
        update = {
            "data": spec.data.model_copy(update={"train_size": 60}),
            "recipe": spec.recipe.model_copy(update={"epochs": 1, "batch_size": 32, "precision": "float32"}),
            "compute": spec.compute.model_copy(update={"executor": "serial", "threads": 1}),
            "seeds": spec.seeds[:2],
        }
        return run_experiment(spec.model_copy(update=update), **options)

    monkeypatch.setattr(droplab.comparison, "run_experiment", shrunk)
    monkeypatch.chdir(tmp_path)


def commands(page: Path) -> list[list[str]]:
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)], ids=lambda p: str(p.relative_to(ROOT)))
def test_commands(page, small, request):
    for words in commands(page):
        if words[0] == "make":
            subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, check=True, capture_output=True)
            continue
        assert words[0] == "droplab", words
        if "cifar10" in words and "compare" in words:
            request.getfixturevalue("cifar_dir")
        if words[1:3] == ["data", "fetch"] and not droplab_data(request):
            continue
        main(words[1:])


def droplab_data(request) -> bool:
    return request.getfixturevalue("cifar_dir").is_dir()


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: str(p.relative_to(ROOT)))
def test_snippets(page, small):
    for snippet in blocks(page, "python"):
        exec(compile(snippet, page.name, "exec"), {})


PAIRS = [(page, page.with_suffix(".ja.md")) for page in PAGES if page.with_suffix(".ja.md").exists()]


def spoken(words: list[str]) -> list[str]:
    """A command without what differs between languages: the choice of language, and prose in quotes."""
    return [word for word in words if word not in {"--lang", "ja"} and " " not in word and word.isascii()]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].name)
def test_both_languages_show_the_same_commands(pair):
    english, japanese = ([spoken(words) for words in commands(page)] for page in pair)
    assert english == japanese


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "toml")], ids=lambda p: str(p.relative_to(ROOT)))
def test_specs(page):
    for block in blocks(page, "toml"):
        spec = ExperimentSpec.model_validate(tomllib.loads(block))
        check_arms(spec, (1, 28, 28), 10)
