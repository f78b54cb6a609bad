"""Every command and snippet of the documents runs; experiments are shrunk to seconds."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import droplab.comparison
from droplab.cli import main
from droplab.execution import run_experiment
from droplab.execution.check import check_arms
from droplab.spec import LoopSpec
from droplab.spec.experiment import ExperimentSpec

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


FILE_NAME = re.compile(r"# (\w+\.(?:py|toml))\n")
"""The first line of a block that readers put into a file."""


def lay_out(page: Path, folder: Path, monkeypatch) -> None:
    """Write the files that a page shows, where its commands and snippets find them."""
    for block in (*blocks(page, "python"), *blocks(page, "toml")):
        named = FILE_NAME.match(block)
        if named:
            (folder / named[1]).write_text(block, encoding="utf-8")
            monkeypatch.delitem(sys.modules, Path(named[1]).stem, raising=False)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(folder)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Experiments of the documents, with fewer images, epochs and seeds."""

    def shrunk(spec, **options):
        if isinstance(spec, LoopSpec):
            return run_experiment(spec.model_copy(update={"seeds": spec.seeds[:2]}), **options)
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


def marked(pages: list[Path]) -> list:
    """Sets of a dozen arms, which pages of results repeat, are for ``make prove``."""
    long = [pytest.param(page, marks=pytest.mark.prove) for page in pages if page.parent.name == "results"]
    return [page for page in pages if page.parent.name != "results"] + long


@pytest.mark.parametrize("page", marked([p for p in PAGES if commands(p)]), ids=lambda p: str(p.relative_to(ROOT)))
def test_commands(page, small, request, tmp_path, monkeypatch):
    lay_out(page, tmp_path, monkeypatch)
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
def test_snippets(page, small, tmp_path, monkeypatch):
    """In order, each by itself; where a page shows files, it is one story: commands come between, names stay."""
    lay_out(page, tmp_path, monkeypatch)
    story = any(FILE_NAME.match(block) for block in blocks(page, "python"))
    space: dict = {}
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        if language == "python" and not FILE_NAME.match(block):
            exec(compile(block, page.name, "exec"), space if story else {})
        elif language == "sh" and story:
            for line in block.splitlines():
                main(shlex.split(line)[1:])


PAIRS = [(page, page.with_suffix(".ja.md")) for page in PAGES if page.with_suffix(".ja.md").exists()]


def spoken(words: list[str]) -> list[str]:
    """A command without what differs between languages: the choice of language, and prose in quotes."""
    return [word for word in words if word not in {"--lang", "ja"} and " " not in word and word.isascii()]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].name)
def test_both_languages_show_the_same_code(pair):
    """But for comments and what is said in the reader's language."""
    english, japanese = (
        [re.sub(r"#.*|\"(?:en|ja)\"|print\(.*\)", "", block) for block in blocks(page, "python")] for page in pair
    )
    told = re.compile(r"[^\x00-\x7f]|\"name\"")  # arms have names in the reader's language
    assert len(english) == len(japanese)
    for ours, theirs in zip(english, japanese, strict=True):
        assert ours == theirs or told.search(theirs), pair[1].name


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].name)
def test_both_languages_show_the_same_commands(pair):
    english, japanese = ([spoken(words) for words in commands(page)] for page in pair)
    assert english == japanese


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "toml")], ids=lambda p: str(p.relative_to(ROOT)))
def test_specs(page, tmp_path, monkeypatch):
    lay_out(page, tmp_path, monkeypatch)
    for block in blocks(page, "toml"):
        table = tomllib.loads(block)
        if "loop" in table:
            assert LoopSpec.model_validate(table).arms
            continue
        assert not any("layer" in arm for arm in table.get("arms", ())), "`kind` is the word"
        spec = ExperimentSpec.model_validate(table)
        check_arms(spec, (1, 28, 28), 10)


sys.path.insert(0, str(ROOT / "scripts"))
reword_results = importlib.import_module("reword_results")
record_placements = importlib.import_module("record_placements")
sys.path.remove(str(ROOT / "scripts"))


@pytest.mark.parametrize("name", reword_results.names())
def test_recorded_verdicts_are_those_of_todays_rules(name):
    """Where this fails after a change of rules or words: python scripts/reword_results.py, and read the difference."""
    for path, text in reword_results.reworded(name).items():
        assert text == path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize("page", record_placements.PAGES)
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_tables_are_those_of_the_recorded_runs(page, lang):
    """Where this fails: python scripts/record_placements.py, and read the difference."""
    file = f"{page}{'.ja' if lang == 'ja' else ''}.md"
    assert record_placements.filled(page, lang) == (record_placements.HERE / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for names in record_placements.PAGES.values() for name in names])
def test_what_is_commonly_said_is_asked_of_every_arm(name):
    assert set(record_placements.effects(name)) <= set(record_placements.SAID)
    assert len({row["seed"] for row in record_placements.rows(f"{name}-runs.csv")}) >= 5
