"""Everything that a command says exists in each language, and is found again from its English."""

from __future__ import annotations

import ast
import inspect
import json
import re
import string
import warnings
from importlib.resources import files

import pytest

from droplab.cli import COMMANDS, GROUPS, main
from droplab.cli.helping import HEAD, helps
from droplab.cli.translating import pairs, translate
from droplab.cli.warned import told_warnings
from droplab.cli.words import speak, words
from droplab.datasets import catalogue
from droplab.errors import SpecError, UserError
from droplab.execution.check.randomness import OR_ALLOW, WHAT_TO_DO
from droplab.languages import read_texts, wanted_language
from droplab.spec.presets import example
from tests.cli.said import ROOT, in_format, template, texts

FOREIGN = {"cyclopts", "pydantic", "the system", "put together", "older versions"}
"""Texts that no file of droplab's holds as they are: made by others, of two, or kept in old ledgers."""


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def numbered(text):
    return set(re.findall(r"\{(\d+)\}", text))


def table():
    return json.loads(files("droplab.cli").joinpath("locales", "said", "ja.json").read_text(encoding="utf-8"))


def test_the_command_lines_own_texts_are_pairs():
    english, japanese = (read_texts("droplab.cli", "locales", lang) for lang in ("en", "ja"))
    assert english.keys() == japanese.keys()
    assert [key for key in english if not fields(japanese[key]) <= fields(english[key])] == []
    assert [key for key in english if fields(english[key]) - fields(japanese[key])] == []


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_nothing_stands_close_to_an_address_that_a_terminal_opens(lang):
    texts_of_commands = read_texts("droplab.cli", "locales", lang)
    with_address = {name: text for name, text in texts_of_commands.items() if "{address}" in text}
    assert {"page.at", "figure.at", "board.at"} <= with_address.keys()
    for text in with_address.values():
        assert re.search(r"\{address\}(\s|$)", text), text


def test_every_text_of_the_source_has_its_pair():
    told = {english for room in table().values() for english in room}
    missing = {room: {text: "" for text in said if text not in told} for room, said in texts().items()}
    missing = {room: said for room, said in missing.items() if said}
    assert missing == {}, json.dumps(missing, ensure_ascii=False, indent=1)


def test_no_pair_is_left_of_a_text_that_is_gone():
    every = {
        template(node) for path in ROOT.rglob("*.py") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    }
    every |= {in_format(text) for text in every if text}  # as str.format fills them
    rooms = {room: said for room, said in table().items() if room not in FOREIGN}
    assert {text for said in rooms.values() for text in said if text not in every} == set()


def test_a_translation_has_no_field_that_its_text_has_not():
    assert [text for text, other in pairs("ja").items() if not numbered(other) <= numbered(text)] == []


def test_texts_are_found_again_with_names_in_them():
    """Every fifth; fields that stand side by side are one text, and a call alone is code in all languages."""
    for text in [text for said in table().values() for text in said][::5]:
        filled = re.sub(r"\{(\d+)\}", lambda found: f"‹{found[1]}›", text)
        said = translate(filled, "ja")
        code = re.fullmatch(r"[\w.]+\(.*\)", text)
        if not code and len(re.findall(r"[a-z]{2,}", text)) > 2 and " " in re.sub(r"\{\d+\}", "", text):
            assert said != filled, text
        assert set(re.findall("‹.›", said)) <= set(re.findall("‹.›", filled)), text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("its own affair", "its own affair"),
        (
            "no kind 'drop_pth'; did you mean 'drop_path'? (there are drop_path)",
            "種類 'drop_pth' はありません（もしかして",
        ),
        (str(SpecError(["arms[0].p: got 2; a drop rate p is a probability within [0, 1]"])), "arms[0].p: 2 が指定"),
        (str(SpecError(["x"])), "仕様に問題が1件あります"),
        (
            "sink 'a:B': importing the module a raised ImportError: boom (at a.py:1)",
            "モジュール a を読み込むと、例外 ImportError: boom が起きました（a.py:1）",
        ),
        (f"{WHAT_TO_DO} {OR_ALLOW}", "のいずれかです。または、"),
        ("half · seed 0: the loss is no longer finite", "half · seed 0: 損失が有限でなくなりました"),
        ("my own: text\nthe training loss is no longer finite", "my own: text\n訓練損失が有限でなくなりました"),
    ],
)
def test_what_is_droplabs_is_translated_and_what_is_not_stays(text, said):
    assert said in translate(text, "ja")
    assert translate(text, "en") == text


def parameters(command):
    return [name for name in inspect.signature(command).parameters if name != "self"]


def test_every_help_text_has_its_pair():
    every = {
        **COMMANDS,
        **{f"{group} {name}": one for group, (_, own) in GROUPS.items() for name, one in own().items()},
    }
    told = helps("ja")
    assert set(told) == {HEAD, *GROUPS, *every}
    for name, command in every.items():
        assert set(told[name]) == {"", *parameters(command)}, name
        assert "lang" in parameters(command), name
        documented = re.findall(r"^ {8}(\w+):", command.__doc__, re.MULTILINE) or re.findall(
            r"^    (\w+):", command.__doc__, re.MULTILINE
        )
        assert set(documented) == set(parameters(command)), name


def test_every_data_set_is_told():
    for entry in catalogue():
        assert words(f"data.{entry.name}", "en") == f"{entry.description}."
        assert words(f"data.{entry.name}.licence", "en") == entry.licence


@pytest.mark.parametrize(
    ("environ", "lang"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "ja_JP"}, "ja"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "ja", "DROPLAB_LANG": "en"}, "en"),
    ],
)
def test_the_language_that_the_environment_asks_for(environ, lang):
    assert wanted_language(environ) == lang


def test_sentences_stand_in_a_row_by_one_function():
    """``in_a_row`` knows which of them want a space between them."""
    spoken = {"say", "words", "said", "translate", "lost", "_deep"}
    found = {
        path.name: ast.unparse(node)
        for room in ("cli", "report")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "' '.join"
        and any(isinstance(one, ast.Call) and getattr(one.func, "id", "") in spoken for one in ast.walk(node))
    }
    assert found == {}


def test_what_the_system_says_of_a_path_is_translated(capsys):
    with pytest.raises(SystemExit):
        main(["runs", "x" * 300, "--lang", "ja"])
    assert "ledger.sqlite: 名前が長すぎます" in capsys.readouterr().err


def test_what_is_typed_goes_before_the_environment(monkeypatch, capsys):
    monkeypatch.setenv("DROPLAB_LANG", "ja")
    assert speak(["runs", "x"]) == "ja"
    assert speak(["runs", "x", "--lang", "en"]) == "en"
    with pytest.raises(SystemExit) as end:
        main(["runs", "nowhere"])
    assert end.value.code == 2
    assert "実験はありません" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["runs", "nowhere", "--lang", "en"])
    assert "holds no experiment" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["rnus"])
    assert "不明なコマンドです" in capsys.readouterr().err
    monkeypatch.setenv("DROPLAB_LANG", "fr")
    with pytest.raises(UserError, match="'fr'"):
        speak(["runs"])


@pytest.mark.parametrize(
    "command", [["--help"], ["compare", "--help"], ["export", "--help"], ["data", "list", "--help"]]
)
def test_help_in_japanese_has_no_english_sentence(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    main([*command, "--help", "--lang", "ja"])
    shown = capsys.readouterr().out
    assert "使い方: droplab" in shown
    assert re.findall(r"(?:[A-Za-z']+ ){4,}[A-Za-z']+\.", shown) == []


def test_the_commented_example_is_one_spec_in_each_language(tmp_path, capsys):
    english, japanese = (example("x.toml", lang).splitlines() for lang in ("en", "ja"))
    assert [line.partition("#")[0].rstrip() for line in english] == [
        line.partition("#")[0].rstrip() for line in japanese
    ]
    assert [len(line.split(" = ")) for line in english] == [len(line.split(" = ")) for line in japanese]
    main(["init", str(tmp_path / "a.toml"), "--lang", "ja"])
    assert "実行するには: droplab compare" in capsys.readouterr().out
    assert "droplab の実験です" in (tmp_path / "a.toml").read_text(encoding="utf-8")


def test_warnings_of_droplabs_are_messages_and_others_stay(capsys, monkeypatch):
    monkeypatch.setenv("DROPLAB_LANG", "ja")
    speak([])
    ours = "the progress display failed (OSError: gone); training goes on"
    stayed = []
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", lambda message, *_, **__: stayed.append(str(message)))
        with told_warnings():
            warnings.warn(ours, stacklevel=1)
            warnings.warn("something else", stacklevel=1)
        warnings.warn(ours, stacklevel=1)
    assert stayed == ["something else", ours]
    said = capsys.readouterr().err
    assert said == "droplab: 注意: 進み具合の表示が失敗しました（OSError: gone）。学習は続きます\n"
    monkeypatch.setenv("DROPLAB_LANG", "en")
    speak([])
