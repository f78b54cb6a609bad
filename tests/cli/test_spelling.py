"""Options before and after what a command is given."""

from __future__ import annotations

import pytest

from droplab.cli import main

GONE = {"ja": "実験はありません", "en": "holds no experiment"}
SINK = "tests.tracking.broken:Raises"


def said(capsys, *words):
    with pytest.raises(SystemExit) as end:
        main(list(words))
    assert end.value.code == 2
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("option", [["--lang", "ja"], ["--lang=ja"]])
@pytest.mark.parametrize("command", [["runs", "nowhere"], ["export", "csv", "nowhere"], ["export", SINK, "nowhere"]])
def test_the_language_stands_anywhere(capsys, command, option):
    for place in range(len(command) + 1):
        assert GONE["ja"] in said(capsys, *command[:place], *option, *command[place:])
    assert GONE["en"] in said(capsys, *command)


def test_the_language_alone_asks_for_help(capsys):
    for command in ([], ["data"]):
        main([*command, "--lang", "ja"])
        assert "使い方: droplab" in capsys.readouterr().out
    assert "no language 'fr'; droplab speaks en and ja" in said(capsys, "--lang", "fr")
    assert "no language 'fr'" in said(capsys, "--lang", "fr", "runs", "nowhere")
    assert "--lang" in said(capsys, "runs", "nowhere", "--lang")


def test_other_options_before_the_name_say_where_they_go(capsys):
    assert "options go after it: droplab export COMMAND --effects" in said(capsys, "export", "--effects", "csv", "x")
    japanese = said(capsys, "--json", "runs", "x", "--lang", "ja")
    assert "コマンド名の後に置いてください: droplab COMMAND --json" in japanese


@pytest.mark.parametrize("codes", [["any"], ["DL001", "DL009"], ["DL001,DL009", "--lang", "en"]])
def test_codes_end_where_the_model_stands(capsys, codes):
    assert "tests.cli.nowhere" in said(capsys, "audit", "--fail-on", *codes, "tests.cli.nowhere:net")
