"""Tasks: what a batch is, its loss and its figures. One task per file; ``table.py`` has a line for each."""

from droplab.tasks.checking import check_parts, try_out
from droplab.tasks.classification import Classification
from droplab.tasks.evaluate import Added, evaluate, guessing, outputs_of
from droplab.tasks.multilabel import Multilabel
from droplab.tasks.next_token import NextToken
from droplab.tasks.regression import Regression
from droplab.tasks.segmentation import Segmentation
from droplab.tasks.table import TASKS, make_task
from droplab.tasks.task import Task

__all__ = [
    "TASKS",
    "Added",
    "Classification",
    "Multilabel",
    "NextToken",
    "Regression",
    "Segmentation",
    "Task",
    "check_parts",
    "evaluate",
    "guessing",
    "make_task",
    "outputs_of",
    "try_out",
]
