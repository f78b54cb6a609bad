"""Every command and snippet of the documents runs; experiments are shrunk to seconds."""

from __future__ import annotations

import importlib
import io
import os
import re
import runpy
import shlex
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import droplab.comparison
from droplab.cli import main
from droplab.execution import run_experiment
from droplab.execution.check import check_arms
from droplab.spec import LoopSpec
from droplab.spec.experiment import ExperimentSpec

ROOT = Path(__file__).parent.parent
CIFAR_IS_HERE = (Path(os.environ.get("DROPLAB_DATA", "")) / "cifar-10-batches-py").is_dir()
EXTRAS = set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"])
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
def small(monkeypatch, tmp_path, one_thread):
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


def in_words(block: str) -> list[list[str]]:
    return [
        shlex.split(line, comments=True) for line in block.splitlines() if line.strip() and not line.startswith("#")
    ]


def commands(page: Path) -> list[list[str]]:
    return [words for block in blocks(page, "sh") for words in in_words(block)]


def made(words: list[str]) -> list[list[str]]:
    """The commands of droplab that ``make`` would give; those that differ in what is installed alone are not given."""
    if any(word.startswith("TORCH_INDEX=") for word in words):
        return []
    lines = subprocess.check_output(["make", "-n", *words], cwd=ROOT, text=True).splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith(".venv/bin/droplab ")]


def carry_out(words: list[str], monkeypatch) -> None:
    """A command as the shell of a reader who has followed the page until here; an installation is there already."""
    program = next(place for place, word in enumerate(words) if not re.match(r"[A-Z_]+=", word))
    with monkeypatch.context() as patched:
        for setting in words[:program]:
            patched.setenv(*setting.split("=", 1))
        words = words[program:]
        match words[0]:
            case "make":
                for told in made(words[1:]):
                    main(told)
            case "pip":
                assert words[1:3] == ["install", "--editable"], words
                assert set(re.findall(r"\w+(?=[\],])", words[3])) <= EXTRAS
            case "python":
                runpy.run_path(words[1], run_name="__main__")
            case ".":
                assert words[1:] == [".venv/bin/activate"]
            case "droplab":
                if CIFAR_IS_HERE or "cifar10" not in words:
                    main(words[1:])
            case _:
                pytest.fail(f"nothing is known of {words}")


def say_what_was_left_out(page: Path, request) -> None:
    """Skips, when all else was carried out, where CIFAR-10 is not here."""
    if any("cifar10" in words for words in commands(page)):
        request.getfixturevalue("cifar_dir")


def told_once(pages: list[Path]) -> list:
    """English pages whose code and commands a Japanese one has are for ``make prove``, as are sets of a dozen arms."""
    long = [page for page in pages if page.parent.name == "results" or page.with_suffix(".ja.md").exists()]
    return [pytest.param(page, marks=pytest.mark.prove) if page in long else page for page in pages]


def is_story(page: Path) -> bool:
    """Whether a page shows files: then commands come between its snippets, and all of them are one story."""
    return any(FILE_NAME.match(block) for block in blocks(page, "python"))


@pytest.mark.parametrize(
    "page", told_once([p for p in PAGES if commands(p) and not is_story(p)]), ids=lambda p: str(p.relative_to(ROOT))
)
def test_commands(page, small, request, tmp_path, monkeypatch):
    lay_out(page, tmp_path, monkeypatch)
    for words in commands(page):
        carry_out(words, monkeypatch)
    say_what_was_left_out(page, request)


@pytest.mark.parametrize(
    "page", told_once([p for p in PAGES if blocks(p, "python")]), ids=lambda p: str(p.relative_to(ROOT))
)
def test_snippets(page, small, request, tmp_path, monkeypatch):
    """In order, each by itself; in a story commands come between and names stay."""
    lay_out(page, tmp_path, monkeypatch)
    story = is_story(page)
    space: dict = {}
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        if language == "python" and not FILE_NAME.match(block):
            exec(compile(block, page.name, "exec"), space if story else {})
        elif language == "sh" and story:
            for words in in_words(block):
                carry_out(words, monkeypatch)
    if story:
        say_what_was_left_out(page, request)


PAIRS = [(page, page.with_suffix(".ja.md")) for page in PAGES if page.with_suffix(".ja.md").exists()]
ALONE = {"CHANGELOG.md"}
"""In English alone, as the history of the repository is."""


def test_every_page_is_there_in_both_languages():
    paired = {page for pair in PAIRS for page in pair}
    assert {str(page.relative_to(ROOT)) for page in PAGES if page not in paired} == ALONE


def spoken(words: list[str]) -> list[str]:
    """A command without what differs between languages: the choice of language, and prose in quotes."""
    return [word for word in words if word not in {"--lang", "ja"} and " " not in word and word.isascii()]


def code(block: str, language: str) -> list[str]:
    """The words of a block, without comments and what it prints."""
    if language == "diff":
        return block.splitlines()
    text = re.sub(r"print\(.*\)", "", block) if language == "python" else block
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string for token in tokens if token.type not in {tokenize.COMMENT, tokenize.NL}]


@pytest.mark.parametrize("language", ["python", "toml", "diff"])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].name)
def test_both_languages_show_the_same_code(pair, language):
    """But for what is said in the reader's language."""
    english, japanese = ([code(block, language) for block in blocks(page, language)] for page in pair)
    for ours, theirs in zip(english, japanese, strict=True):
        apart = [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1] and pair != ('"en"', '"ja"')]
        assert [words for words in apart if words[1].isascii() or not words[0].startswith(("'", '"'))] == []


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].name)
def test_both_languages_show_the_same_commands(pair):
    english, japanese = ([spoken(words) for words in commands(page)] for page in pair)
    assert english == japanese


FIGURE = re.compile(r"\d[\d,.]*\d|\d")


def figures(page: Path) -> list[Counter[str]]:
    """The numbers in each row of a page's tables."""
    return [Counter(FIGURE.findall(line)) for line in prose(page).splitlines() if line.startswith("|")]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].name)
def test_both_languages_show_the_same_figures(pair):
    """Rows in Japanese have each number of the English ones; numbers that English spells out may come beside them."""
    for ours, theirs in zip(*map(figures, pair), strict=True):
        assert ours <= theirs, ours - theirs


def test_japanese_sentences_stand_without_a_space_between_them():
    texts = [*ROOT.glob("*.ja.md"), *ROOT.glob("docs/**/*.ja.md"), *ROOT.glob("src/**/ja.json")]
    assert len(texts) > 20
    apart = re.compile(r"[。、！？」）] +(?=[ぁ-んァ-ヶ一-龠「（])")
    assert {path.name: found for path in texts if (found := apart.findall(path.read_text(encoding="utf-8")))} == {}


def prose(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_extras_that_are_named_exist():
    texts = [*PAGES, *ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("src/**/*.py"), *ROOT.glob("src/**/*.json")]
    named = {
        extra
        for path in texts
        for group in re.findall(r"(?:droplab|\.)\[([a-z,]+)\]", path.read_text(encoding="utf-8"))
        for extra in group.split(",")
    }
    assert {"notebooks", "wandb", "ray"} <= named <= EXTRAS


def test_links_lead_somewhere():
    for page in PAGES:
        for target, anchor in re.findall(r"\]\((?!https?://)([^)#]*)#?([^)]*)\)", prose(page)):
            place = page.parent / target if target else page
            assert place.exists(), f"{page.name}: {target}"
            assert not anchor or place.suffix != ".md" or anchor in anchors(place), f"{page.name}: {target}#{anchor}"


def test_links_keep_the_language_but_for_that_to_the_pair():
    strays = []
    for pair in PAIRS:
        for page, other in (pair, pair[::-1]):
            top, _, rest = prose(page).partition("\n## ")
            assert f"]({other.name})" in top, page.name
            for target in re.findall(r"\]\((?!https?://)([^)#]+\.md)", top.replace(f"]({other.name})", "", 1) + rest):
                place = (page.parent / target).resolve()
                if page.name.endswith(".ja.md"):
                    stray = place.name not in ALONE and not place.name.endswith(".ja.md")
                else:
                    stray = place.name.endswith(".ja.md")
                strays += [f"{page.name}: {target}"] * stray
    assert strays == []


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
record_sets = importlib.import_module("record_sets")
sys.path.remove(str(ROOT / "scripts"))


@pytest.mark.parametrize("name", reword_results.names())
def test_recorded_verdicts_are_those_of_todays_rules(name):
    """Where this fails after a change of rules or words: python scripts/reword_results.py, and read the difference."""
    for path, text in reword_results.reworded(name).items():
        assert text == path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize("name", record_sets.TITLES)
def test_tables_beside_the_verdict_are_those_of_the_metrics(name):
    record = reword_results.read(name)
    pages = [(ROOT / "docs" / "results" / f"{name}{end}").read_text(encoding="utf-8") for end in (".md", ".ja.md")]
    rates = [arm for arm in record.arms if re.fullmatch(r"no dropout|dropout [\d.]+", arm)]
    best = min(rates, key=lambda arm: sum(run.metrics["val_loss"][-1] for run in record.complete(arm)))
    tables = [record_sets.against(record, best)]
    if name == "schedules":
        target = record_sets.TARGET_GAP
        tables.append(record_sets.held(record, target, record_sets.passed(record, target)))
    assert all(f"|\n{table}\n\n" in page for table in tables for page in pages)
    assert all(f"`{best}`" in page for page in pages)


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
