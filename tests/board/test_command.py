"""``droplab board`` as users start and end it."""

from __future__ import annotations

import builtins
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from droplab.cli import build, main
from tests.board.ledgers import ARMS, RunKey, begin, train

LIGHT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from droplab.cli import main
main(sys.argv[1:])
heavy = {"torch", "numba"} & set(sys.modules)
print("heavy:", sorted(heavy))
"""


def said(arguments, capsys) -> str:
    with pytest.raises(SystemExit) as end:
        main(["board", *arguments])
    assert end.value.code in {1, 2}
    return capsys.readouterr().err


def test_it_answers_until_ctrl_c_and_loads_no_torch(tmp_path):
    pytest.importorskip("uvicorn")
    pytest.importorskip("starlette")
    with begin(tmp_path / "one") as ledger:
        train(ledger, RunKey(ARMS[0], 0), 2)
        folders = [str(tmp_path), str(tmp_path / "no")]
        command = [sys.executable, "-u", "-c", LIGHT, "board", *folders, "--port", "0", "--no-browser", "--lang", "ja"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            lines = [running.stdout.readline() for _ in range(3)]
            assert "1 件の実験" in lines[0]
            assert f"{tmp_path / 'no'} に実験はまだありません" in lines[1]
            address = re.search(r"http://127\.0\.0\.1:\d+/", lines[2])[0]
            with urllib.request.urlopen(address) as answer:
                assert 'lang="ja"' in answer.read().decode()
            with urllib.request.urlopen(f"{address}events") as stream:  # does not keep it from ending
                identity = re.search(
                    r'"id":"(\w{12})"',
                    stream.readline().decode()
                    + stream.readline().decode()
                    + stream.readline().decode()
                    + stream.readline().decode(),
                )[1]
                with urllib.request.urlopen(f"{address}x/{identity}/") as answer:
                    assert "no dropout" in answer.read().decode()
                running.send_signal(signal.SIGINT)
                rest, troubles = running.communicate(timeout=240)
        assert (running.returncode, troubles) == (0, "")
        assert "ボードを終わりました" in rest
        assert rest.endswith("heavy: []\n")
        train(ledger, RunKey(ARMS[1], 0), 2)  # which goes on


def test_a_port_that_is_taken_or_not_to_be_had(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"port {port} is taken, perhaps by another board; --port 0" in said(
            [str(tmp_path), "--port", f"{port}"], capsys
        )
    assert "--port got 99999; ports go from 0" in said([str(tmp_path), "--port", "99999"], capsys)
    assert "the board cannot be at no.such.host.invalid" in said(
        [str(tmp_path), "--host", "no.such.host.invalid"], capsys
    )


def test_without_the_extra_it_says_what_to_install(tmp_path, capsys, monkeypatch):
    real = builtins.__import__

    def lacking(name, *rest):
        if name.partition(".")[0] == "uvicorn":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", lacking)
    monkeypatch.setattr("os.nice", lambda _: 0)
    assert "pip install 'droplab[board]'" in said([str(tmp_path), "--port", "0", "--lang", "en"], capsys)


@pytest.mark.parametrize("page", ["board.md", "board.ja.md"])
def test_the_documents_commands_are_ones(page):
    """They would answer until Ctrl-C, so they are read and not run."""
    text = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
    lines = [shlex.split(line)[1:] for line in text.splitlines() if line.startswith("droplab ")]
    read = [build(words, "en").parse_args(words, print_error=False, exit_on_error=False) for words in lines]
    assert {command.__name__ for command, *_ in read} == {"board"}
    assert [dict(bound.arguments) for _, bound, *_ in read] == [
        {},
        {"folders": (Path("my-experiment"), Path("../other-runs")), "open_browser": True},
        {"port": 8080, "lang": "ja"},
    ]
