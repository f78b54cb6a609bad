"""Output in any encoding, on any stream, and names that try to steer the terminal."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

import droplab
from droplab.cli import main
from droplab.cli.terminal import cell, prepare_streams, say
from droplab.errors import LONGEST, DroplabError, SpecError, plain, quote
from droplab.ledger import Ledger
from tests.conftest import tiny

STEERING = "evil\x1b]0;owned\x07\x1b]52;c;b3du\x07\x9b31m\r\x7f"


@pytest.fixture(scope="module")
def steering(tmp_path_factory):
    """Someone else's experiment, whose names are orders to a terminal."""
    folder = tmp_path_factory.mktemp("steering") / "x"
    arms = [{"name": "no dropout", "p": 0.0}, {"name": STEERING, "p": 0.5}]
    droplab.compare(tiny(name=STEERING, arms=arms, seeds=1, recipe={"epochs": 1}), out=folder)
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        ledger.set_state(next(iter(ledger.progress())), "failed", STEERING)
    return folder


def outcome(*arguments):
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as stop:
        return stop.code or 0
    return 0


@pytest.mark.parametrize("command", ["verdict", "runs", "export csv", "compare", "test --arm no"])
def test_names_steer_no_terminal(steering, capsys, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name, *more = command.split()
    if name == "compare":
        (tmp_path / "s.toml").write_text(
            'name = "x"\nbaseline = "evil\\u001b]0;owned\\u0007\\u009b31m"\n'
            '[data]\nname = "nowhere\\u001b.npz"\n[[arms]]\nname = "a\\u001b"\n',
            encoding="utf-8",
        )
        code = outcome("compare", "s.toml")
        assert code == 2
    else:
        outcome(name, *(more if name == "export" else []), steering, *(more if name == "test" else []))
    out, err = capsys.readouterr()
    shown = out + err
    assert shown
    assert not {sign for sign in shown if (ord(sign) < 32 and sign not in "\n\t") or 127 <= ord(sign) < 160}


def test_every_error_is_plain_and_short():
    assert str(DroplabError(STEERING)) == plain(STEERING)
    assert len(str(DroplabError("x" * 10**6))) == LONGEST
    assert len(quote("x" * 10**6)) <= LONGEST
    assert len(quote(list(range(10**4)))) <= LONGEST
    assert "int" in quote(10**5000)
    many = SpecError([f"problem {n}" for n in range(1000)])
    assert len(many.problems) == 1000
    assert str(many).endswith("and 980 more")
    assert cell("a\nb\x1b").plain == "a b␛"


@pytest.mark.parametrize("encoding", ["cp932", "cp1252", "latin-1", "euc_jp", "ascii"])
@pytest.mark.parametrize("command", ["verdict", "runs", "export csv"])
def test_encodings_that_lack_characters(finished, encoding, command, monkeypatch):
    """As ``PYTHONIOENCODING`` and a Windows that writes to a file have it."""
    held = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(held, encoding=encoding))
    assert outcome(*command.split(), finished.folder) == 0
    said = held.getvalue().decode(encoding)
    assert "tiny" in said
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(held, encoding=encoding))
    prepare_streams()
    say("≥ 0.5 文字")
    sys.stdout.flush()
    if encoding not in {"cp932", "euc_jp"}:
        assert held.getvalue().decode(encoding).rstrip().endswith(">= 0.5 ??")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_behind_standard_output(finished):
    """The others of this kind are tried in ``test_prove_attacks.py``: each starts a Python."""
    got = subprocess.run(
        f'"{sys.executable}" -m droplab runs "{finished.folder}" <&- > /dev/full',
        shell=True,
        capture_output=True,
        check=False,
    )
    assert (got.returncode, got.stderr.decode()) == (
        1,
        "droplab: standard output cannot be written: No space left on device\n",
    )


def test_streams_that_are_closed(finished, monkeypatch):
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(f"sys.{name}", None)
    assert outcome("runs", finished.folder) == 0
    assert outcome("runs", "nowhere") == 2
    for name in ("stdin", "stdout", "stderr"):
        getattr(sys, name).close()


def test_the_page_is_written_before_anything_is_printed(tmp_path, monkeypatch, capsys):
    from droplab.cli import terminal

    def full(_text, end=""):
        raise terminal._lost(OSError(28, "No space left on device"))

    monkeypatch.setattr(terminal, "_write", full)
    monkeypatch.setattr(terminal, "silence", lambda: None)
    (tmp_path / "t.toml").write_text(
        'seeds = 1\n[data]\ntrain_size = 60\n[recipe]\nepochs = 1\nprecision = "float32"\n'
        '[compute]\nexecutor = "serial"\nthreads = 1\n',
        encoding="utf-8",
    )
    assert outcome("compare", tmp_path / "t.toml", "--out", tmp_path / "x") == 1
    assert (tmp_path / "x" / "report.html").is_file()
    assert "No space left" in capsys.readouterr().err
