"""Execute the tutorial's notebooks from top to bottom, in an empty folder, and store what their cells print.

python scripts/notebooks.py             # both
python scripts/notebooks.py --lang ja   # one
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent.parent / "notebooks"
LANGUAGES = ("en", "ja")
SECONDS = 3600
"""Longer than that no cell may take; all of them together take minutes."""


def path_of(lang: str) -> Path:
    """A language's notebook."""
    return HERE / f"tutorial.{lang}.ipynb"


def execute(notebook: nbformat.NotebookNode, folder: Path, lang: str) -> None:
    """Execute a notebook's cells in ``folder``; their outputs become the notebook's.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised.
    """
    os.environ["DROPLAB_LANG"] = lang
    NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(folder)}}).execute()


def tidied(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what changes with each execution and tells a reader nothing: times of cells, colour codes, addresses."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                output.text = re.sub(r"\x1b\[[0-9;]*m", "", output.text)
    notebook.metadata.pop("widgets", None)
    return notebook


def main() -> None:
    """Parse the options, execute, write."""
    parser = argparse.ArgumentParser(description="Execute the tutorial's notebooks and store their outputs.")
    parser.add_argument("--lang", choices=LANGUAGES)
    chosen = parser.parse_args().lang
    for lang in LANGUAGES if chosen is None else (chosen,):
        notebook = nbformat.read(path_of(lang), 4)
        folder = Path(tempfile.mkdtemp())
        try:
            execute(notebook, folder, lang)
        finally:
            shutil.rmtree(folder)
        nbformat.write(tidied(notebook), path_of(lang))
        print(f"wrote {path_of(lang)}")


if __name__ == "__main__":
    main()
