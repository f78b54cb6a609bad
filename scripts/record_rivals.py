"""Record dropout against its rivals, and rates with seeds until decided, under docs/results.

python scripts/record_rivals.py rivals --out DIR --data-dir DIR     # CIFAR-10: run, or continue, and write
python scripts/record_rivals.py rivals-demo --out DIR               # the embedded data, in minutes
python scripts/record_rivals.py until-decided --out DIR
python scripts/record_rivals.py rivals --out DIR --written-only     # of what is finished, once four arms are
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import recorded
import second_set

import droplab
from droplab.analysis import Answer, Verdict, judge
from droplab.analysis.afterwards import chosen
from droplab.execution import run_experiment
from droplab.ledger import read_experiment
from droplab.records import ExperimentRecord, RunKey
from droplab.report import rows
from droplab.spec import ExperimentSpec, parse_spec
from droplab.spec.presets import arm_set

NONE, DROPOUT, CROP, BOTH = FIRST = ("no dropout", "dropout 0.25", "flip-crop", "dropout 0.25, flip-crop")
"""The arms that the question is about; they are trained first."""
TWO = {"executor": "process", "workers": 2, "threads": 1}
COMMANDS = {
    "rivals": "droplab compare --set rivals --data cifar10 --epochs 15 --seeds 5 --margin 0.02",
    "rivals-demo": "droplab compare --set rivals --margin 0.03",
    "until-decided": "droplab compare --set rates --seeds until-decided --margin 0.03",
}


def spec_of(name: str) -> ExperimentSpec:
    """What the command asks for."""
    if name == "rivals":
        arms = {key: arm_set("rivals")[key] for key in ("name", "arms", "baseline")}
        data = {"data": {"name": "cifar10"}, "recipe": {"epochs": 15}}
        return parse_spec({**arms, **data, "seeds": 5, "margin": 0.02, "compute": TWO})
    if name == "rivals-demo":
        return parse_spec({**arm_set("rivals"), "margin": 0.03, "compute": TWO})
    return parse_spec({**arm_set("rates"), "seeds": "until-decided", "margin": 0.03, "compute": TWO})


def first(record: ExperimentRecord) -> Sequence[RunKey] | None:
    """The four arms before the others."""
    left = [key for key, run in record.runs.items() if key.arm in FIRST and run.state not in {"done", "failed"}]
    return left or None


WORDS = {
    "en": {
        "better": "yes: {size}",
        "worse": "no, it costs: {size}",
        "equal": "it makes no difference that matters: {size}",
        "undecided": "these seeds do not decide it: {size}",
    },
    "ja": {
        "better": "はい。{size}",
        "worse": "いいえ、悪くなります。{size}",
        "equal": "意味のある差はありません。{size}",
        "undecided": "このシード数では決まりません。{size}",
    },
}


def said(answer: Answer, lang: str) -> str:
    """An answer as a sentence's end."""
    size = f"{answer.mean:+.4f} [{answer.low:+.4f}, {answer.high:+.4f}]"
    return WORDS[lang][answer.says].format(size=size)


def page(name: str, lang: str, **values: object) -> str:
    """All that stands before the verdict."""
    return recorded.told(name, lang, command=COMMANDS[name], **values)


def rivals_prose(name: str, record: ExperimentRecord, verdict: Verdict) -> dict[str, str]:
    """The question and its two answers, what every arm did, and how far that goes."""
    main = verdict.primary
    assert main is not None
    pair, family = chosen(record, CROP, (BOTH,))
    beside = judge(pair, family=family).primary
    assert beside is not None
    alone, augmented = main.of(DROPOUT), beside.of(BOTH)
    means = {arm: main.spreads[arm].mean for arm in record.arms}
    best = min(means, key=lambda arm: means[arm])
    missing = [arm["name"] for arm in record.spec["arms"] if arm["name"] not in record.arms]
    left = {
        "en": f"\nNot finished, and left out: {', '.join(missing)}.\n" if missing else "",
        "ja": f"\n終わっていないため除いた条件：{'、'.join(missing)}。\n" if missing else "",
    }
    return {
        lang: page(
            name,
            lang,
            epochs=record.epochs,
            seeds=len(record.seeds),
            none=NONE,
            dropout=DROPOUT,
            crop=CROP,
            both=BOTH,
            alone=said(alone, lang),
            augmented=said(augmented, lang),
            family=family,
            table=rows(verdict, record, "markdown", lang),
            best=best,
            lowest=means[best],
            baseline_mean=means[NONE],
            left=left[lang],
        )
        for lang in WORDS
    }


def decided_prose(record: ExperimentRecord, verdict: Verdict) -> dict[str, str]:
    """Seeds that each arm took, against those of a fixed design.

    Raises:
        SystemExit: a look is not finished.
    """
    main = verdict.primary
    assert main is not None
    if main.coming is not None and main.coming.runs:
        left = len(main.coming.runs)
        raise SystemExit(f"not finished: {left} runs of the next look; the command without --written-only goes on")
    done = {arm: len(record.complete(arm)) for arm in record.arms}
    used = sum(done.values())
    kinds = {
        "en": {"better": "better", "worse": "worse", "equal": "practically equal", "undecided": "not decided"},
        "ja": {"better": "改善", "worse": "悪化", "equal": "実質的に同等", "undecided": "未決定"},
    }
    ended = main.coming.ended if main.coming is not None else {}
    table = {lang: [] for lang in kinds}
    for lang, words in kinds.items():
        table[lang].append(f"| {record.baseline} | {done[record.baseline]} | | |")
        for found in main.answers:
            size = f"{found.mean:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"
            why = {"en": " (hopeless)", "ja": "（見込みなし）"}[lang] if ended.get(found.arm) == "hopeless" else ""
            table[lang].append(f"| {found.arm} | {done[found.arm]} | {size} | {words[found.says]}{why} |")
    arms, none = len(record.arms), record.baseline
    return {
        lang: page(
            "until-decided",
            lang,
            none=none,
            used=used,
            most=arms * len(record.seeds),
            seeds=len(record.seeds),
            five=5 * arms,
            eight=8 * arms,
            table="\n".join(table[lang]),
        )
        for lang in WORDS
    }


def finished(record: ExperimentRecord) -> tuple[ExperimentRecord, int | None]:
    """The record with the arms of which every run is done.

    Raises:
        SystemExit: an arm that the question is about is not.
    """
    done = [arm for arm in record.arms if len(record.complete(arm)) == len(record.seeds)]
    open_arms = [arm for arm in FIRST if arm not in done]
    if open_arms:
        raise SystemExit(f"not finished: {', '.join(open_arms)}; the command without --written-only goes on")
    return (record, None) if len(done) == len(record.arms) else chosen(record, record.baseline, done)


def main() -> None:
    """Parse the options, train what is left, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=tuple(COMMANDS))
    parser.add_argument("--out", type=Path, required=True, help="folder of the experiment")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--written-only", action="store_true", help="train nothing")
    options = parser.parse_args()
    if options.name != "until-decided":
        if not options.written_only:
            run_experiment(spec_of(options.name), out=options.out, data_dir=options.data_dir, wanted=first)
        record, family = finished(read_experiment(options.out))
        prose = rivals_prose(options.name, record, judge(record, family=family))
    else:
        if not options.written_only:
            droplab.compare(spec_of("until-decided"), out=options.out)
        record, family = read_experiment(options.out), None
        prose = decided_prose(record, judge(record))
    second_set.write(options.name, record, options.out, prose, family)


if __name__ == "__main__":
    main()
