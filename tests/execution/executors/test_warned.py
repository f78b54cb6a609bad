"""Warnings on their way from a process that trains."""

import os
import warnings

import pytest

from droplab.execution.executors.warned import sent


@pytest.mark.parametrize("forked", [False, True])
def test_only_the_process_itself_sends_and_what_is_forked_from_it_has_no_line_of_its_own(forked, monkeypatch):
    heard, shown = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_about: shown.append(str(message))
        with sent(lambda *message: heard.append(message[1])):
            if forked:
                monkeypatch.setattr(os, "getpid", lambda: 0)
            warnings.warn("it rains", stacklevel=1)
    assert (heard, shown) == (([], ["it rains"]) if forked else (["it rains"], []))
