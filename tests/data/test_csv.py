from __future__ import annotations

import re
import sys

import numpy as np
import pytest
import torch

from droplab.data import cut, read_csv
from droplab.errors import DataError

TABLE = """id,age,city,smokes,when,price
ann,20,Kyoto,True,2024-01-01,1.5
bob,40,Oslo,False,2024-01-02,2.5
cid,,Kyoto,True,2024-01-03,3.5
dan,60,,False,2024-01-04,4.5
eve,30,Lima,True,2024-01-05,5.5
"""


@pytest.fixture
def table(tmp_path):
    (tmp_path / "table.csv").write_text(TABLE, encoding="utf-8")
    return tmp_path / "table.csv"


def test_columns_become_what_training_rows_know(table):
    told = []
    found = read_csv(table, "price", groups="id", times="when")
    train = [0, 1, 2, 3]
    samples = found.samples(range(5), train, told.append)
    ages, scale = [20, 40, 40, 60, 30], np.std([20, 40, 60])
    assert samples.inputs["numbers"][:, 0].tolist() == pytest.approx([(age - 40) / scale for age in ages])
    assert samples.inputs["numbers"][:, 1].tolist() == [0, 0, 1, 0, 0], "where age is missing"
    assert samples.inputs["numbers"][:, 2].tolist() == pytest.approx([1, -1, 1, -1, 1])
    assert samples.inputs["categories"].tolist() == [[1], [2], [1], [0], [0]], "missing, and not in training rows"
    assert samples.targets.tolist() == [1.5, 2.5, 3.5, 4.5, 5.5]
    age, city, smokes = told
    assert age.startswith("age: a number, mean 40 and deviation 16.33 of the training rows become 0 and 1; 1 missing")
    assert city.startswith(
        "city: a category of 2 values in the training rows, numbered from 1; 1 missing become 0; 1 of"
    )
    assert smokes == "smokes: a number, mean 0.5 and deviation 0.5 of the training rows become 0 and 1"
    assert found.sizes(train) == (3, (3,))
    assert cut(5, 2, times=found.times).taken.tolist() == [3, 4]
    assert list(found.groups) == ["ann", "bob", "cid", "dan", "eve"]


def test_targets_are_numbers_whole_numbers_or_classes(table, capsys):
    assert read_csv(table, "price").targets.dtype == torch.float32
    assert read_csv(table, "smokes").targets.tolist() == [1, 0, 1, 0, 1]
    found = read_csv(table, "id", drop=["when"])
    assert found.targets.tolist() == [0, 1, 2, 3, 4]
    assert found.class_names == ("ann", "bob", "cid", "dan", "eve")
    found.samples([0], [0, 1])
    assert capsys.readouterr().out.startswith("age: a number")


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (TABLE, {"target": "prise"}, "no column 'prise' .*did you mean 'price'"),
        (TABLE, {"target": "age"}, "target 'age' is missing in 1 rows, the first in line 4"),
        (TABLE, {"target": "price", "times": "city"}, "times 'city' is missing"),
        (TABLE, {"target": "price", "times": "id"}, "holds no times"),
        (TABLE, {"target": "price", "grups": "id"}, "no option 'grups'; did you mean 'groups'"),
        (TABLE, {"target": ["price", "age"]}, "wanted the name of one column"),
        (TABLE, {"target": "price", "nrows": "x"}, "cannot be read"),
        ("a\n1\n", {"target": "a"}, "no column left"),
        ("a,b\n", {"target": "a"}, "no row"),
        ("", {"target": "a"}, "cannot be read"),
    ],
    ids=["name", "missing", "no time", "not times", "option", "two targets", "value", "no input", "no row", "empty"],
)
def test_what_is_refused(tmp_path, text, options, words):
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        read_csv(tmp_path / "table.csv", **options)


def test_numbers_that_cannot_be_used(tmp_path):
    (tmp_path / "table.csv").write_text("a,b,y\n,1,0\n1,inf,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="column 'a' is missing in all training rows"):
        read_csv(tmp_path / "table.csv", "y", drop=["b"]).samples([0, 1], [0], lambda _: None)
    with pytest.raises(DataError, match="infinite number in row 1"):
        read_csv(tmp_path / "table.csv", "y", drop=["a"]).samples([0, 1], [0], lambda _: None)


def test_a_number_that_hardly_varies_for_rounding_is_constant(tmp_path):
    """The deviation of 0.1, 0.1, 0.1 is 1e-17, and a 0.2 that training rows do not have would become 1e16."""
    (tmp_path / "table.csv").write_text("a,y\n" + "0.1,0\n" * 12 + "0.2,1\n", encoding="utf-8")
    told = []
    found = read_csv(tmp_path / "table.csv", "y").samples([0, 12], range(12), told.append)
    assert found.inputs["numbers"].flatten().tolist() == pytest.approx([0, 0.1])
    assert told == ["a: a number that does not vary in the training rows, moved to 0"]


def test_one_column_may_be_dropped_by_its_name(table):
    assert read_csv(table, "price", drop="id").columns == ("age", "city", "smokes", "when")


def test_times_of_several_zones_follow_each_other(tmp_path):
    times = "2024-03-01 10:00+09:00", "2024-03-01 02:00+00:00", "2024-03-01 03:30+03:00"
    (tmp_path / "table.csv").write_text("a,t,y\n" + "".join(f"1,{t},0\n" for t in times), encoding="utf-8")
    assert cut(3, 1, times=read_csv(tmp_path / "table.csv", "y", times="t").times).taken.tolist() == [1]


def test_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(DataError, match=r"pip install 'droplab\[pandas\]'"):
        read_csv("table.csv", "y")


DOUBTED = {
    "missing": (["1.5", "2", "?", "3", "?", "-", "4"] * 6, {}, "57.1% of its cells are numbers, and '.' is none"),
    "thousands": (["1,200", "80", "90"] * 6, {}, "66.7% of its cells are numbers, and '1,200' is none"),
    "a name": ([f"row {at}" for at in range(30)], {}, r"30 values in 30 training rows.*drop = \['c'\]"),
    "texts": (["1", "a", "b"] * 6, {}, None),
    "few rows": ([f"row {at}" for at in range(18)], {}, None),
    "codes": ([str(at % 9) for at in range(18)], {"dtype": {"c": str}}, None),
    "told": (["1.5", "2", "?"] * 6, {"na_values": ["?"]}, None),
}


@pytest.mark.parametrize("case", DOUBTED)
def test_a_category_that_may_be_none_is_doubted(case, tmp_path):
    cells, options, words = DOUBTED[case]
    file = tmp_path / "t.csv"
    file.write_text("c,y\n" + "".join(f'"{cell}",{at % 2}\n' for at, cell in enumerate(cells)), encoding="utf-8")
    told = []
    table = read_csv(file, "y", **options)
    table.samples(np.arange(len(cells)), np.arange(len(cells)), told.append)
    assert len(told) == 1 + (words is not None), told
    assert words is None or re.search(words, told[-1])
