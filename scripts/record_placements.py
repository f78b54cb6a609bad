"""Record where dropout acts: the set of placements on two networks, and LoRA; tables of both languages' pages.

python scripts/record_placements.py placements DIR      # the tutorial's network; DIR is the experiment's folder
python scripts/record_placements.py placements-deep DIR
python scripts/record_placements.py lora DIR
python scripts/record_placements.py                     # write the pages' tables again from docs/results/*-runs.csv

A run is a line of ``docs/results/NAME-runs.csv``, an arm one of ``NAME-effects.csv``. What stands between the marks
``<!-- NAME -->`` and ``<!-- /NAME -->`` of a page is made of these two alone: a table, and whether what is commonly
said holds there, by the verdict's answer.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from statistics import fmean, stdev

import droplab
from droplab.analysis.primary import numbers
from droplab.report import write_effects

HERE = Path(__file__).resolve().parent.parent / "docs" / "results"
PAGES = {"placements": ("placements", "placements-deep"), "lora": ("lora",)}
FIGURES = ("deployed", "fit_loss", "val_loss", "val_accuracy")
"""Of a run: the loss as deployed, and what it ended with."""
SAID = {
    "hidden 0.5": ("better", "it belongs on hidden activations", "隠れ層の活性値に入れるとよい"),
    "input 0.2": ("better", "at the input a small rate helps", "入力では小さな率が効く"),
    "early 0.5": ("worse", "early layers of deep networks are harmed by it", "深いネットワークの浅い層では害になる"),
    "late 0.5": ("better", "late layers gain from it", "深い側の層では効く"),
    "before the head 0.5": ("better", "before the last layer is the place for it", "最後の層の前に入れるとよい"),
    "lora_dropout 0.05": ("better", "a little `lora_dropout` helps", "小さな `lora_dropout` が効く"),
    "lora_dropout 0.2": ("better", "with little text a larger one helps", "テキストが少ないときは大きめが効く"),
}
"""By arm: the answer that would bear it out, and what is commonly said, in both languages."""
WORDS = {
    "en": {
        "head": ("arm", "loss as deployed", "minus that of `{base}`", "answer", "last epoch: training loss", "loss"),
        "accuracy": "accuracy, %",
        "answers": {"better": "better", "worse": "worse", "equal": "practically equal", "open": "not decided"},
        "said": ("commonly said", "arm", "here"),
        "holds": ("holds", "does not hold: it is {answer}", "not decided here"),
    },
    "ja": {
        "head": ("条件", "早期終了時の損失", "`{base}` との差", "判定", "最終エポックの訓練損失", "検証損失"),
        "accuracy": "検証精度 %",
        "answers": {"better": "改善", "worse": "悪化", "equal": "実質的に同等", "open": "未決定"},
        "said": ("よく言われること", "条件", "ここでは"),
        "holds": ("成り立つ", "成り立たない（{answer}）", "未決定"),
    },
}


def record(name: str, folder: Path) -> None:
    """Write the two tables of a finished experiment.

    Raises:
        SystemExit: a run is not done.
    """
    results = droplab.Results.read(folder)
    known, verdict = results.record, results.verdict
    undone = [str(run.key) for run in known.runs.values() if run.state != "done"]
    if undone:
        sys.exit(f"not done: {', '.join(undone)}")
    deployed = numbers(known, verdict.questions).values
    with (HERE / f"{name}-runs.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["arm", "seed", "epochs", *FIGURES])
        for key, run in known.runs.items():
            last = {figure: series[-1] for figure, series in run.metrics.items()} | {"deployed": deployed[key]}
            writer.writerow(
                [key.arm, key.seed, run.epochs_done, *(repr(last[f]) if f in last else "" for f in FIGURES)]
            )
    with (HERE / f"{name}-effects.csv").open("w", encoding="utf-8", newline="") as file:
        write_effects(verdict, file)


def table(name: str, lang: str) -> str:
    """A table of a page, from the tables of the experiment."""
    say = WORDS[lang]
    runs = rows(f"{name}-runs.csv")
    answers = effects(name)
    arms = list(dict.fromkeys(row["arm"] for row in runs))
    accuracy = bool(runs[0]["val_accuracy"])
    head = [cell.format(base=arms[0]) for cell in say["head"]] + ([say["accuracy"]] if accuracy else [])
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for arm in arms:
        mine = [row for row in runs if row["arm"] == arm]
        cells = [arm, _spread(mine, "deployed", 3), "", ""]
        if arm in answers:
            mean, low, high = (float(answers[arm][part]) for part in ("mean", "adjusted_low", "adjusted_high"))
            cells[2:] = [f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]", say["answers"][answers[arm]["consequence"]]]
        cells += [_spread(mine, "fit_loss", 3), _spread(mine, "val_loss", 3)]
        cells += [_spread(mine, "val_accuracy", 1, 100)] if accuracy else []
        lines.append(f"| {' | '.join(cells)} |")
    head = list(say["said"])
    lines += ["", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for arm, effect in answers.items():
        wanted, *said = SAID[arm]
        holds, not_so, open_ = say["holds"]
        decided = effect["consequence"] != "open"
        answer = not_so.format(answer=say["answers"][effect["consequence"]]) if decided else open_
        lines.append(f"| {said[lang == 'ja']} | {arm} | {holds if effect['consequence'] == wanted else answer} |")
    return "\n".join(lines)


def effects(name: str) -> dict[str, dict[str, str]]:
    """The answers as deployed, by arm."""
    return {row["arm"]: row for row in rows(f"{name}-effects.csv") if row["endpoint"] == "as_deployed"}


def rows(file: str) -> list[dict[str, str]]:
    """The lines of a table under docs/results."""
    with (HERE / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _spread(rows: list[dict[str, str]], figure: str, digits: int, scale: float = 1) -> str:
    found = [scale * float(row[figure]) for row in rows]
    return f"{fmean(found):.{digits}f} ± {stdev(found):.{digits}f}"


def filled(page: str, lang: str) -> str:
    """A page's text with its tables as they come out of the experiments' tables."""
    text = (HERE / f"{page}{'.ja' if lang == 'ja' else ''}.md").read_text(encoding="utf-8")
    for name in PAGES[page]:
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if len(marks.findall(text)) != 1:
            raise SystemExit(f"{page} ({lang}) has no place for the table of {name}")
        made = table(name, lang)
        text = marks.sub(lambda found, made=made: f"{found[1]}\n{made}\n\n{found[2]}", text)
    return text


def main() -> None:
    """Record an experiment, if one is given, and write the pages' tables."""
    if sys.argv[1:]:
        name, folder = sys.argv[1:]
        record(name, Path(folder))
    for page, names in PAGES.items():
        if all((HERE / f"{name}-runs.csv").exists() for name in names):
            for lang in ("en", "ja"):
                (HERE / f"{page}{'.ja' if lang == 'ja' else ''}.md").write_text(filled(page, lang), encoding="utf-8")


if __name__ == "__main__":
    main()
