"""Data sets behind one split protocol: train, validation, and a test part that stays sealed."""

from droplab.data.assemble import as_split
from droplab.data.csv import Table, read_csv
from droplab.data.cuts import Parting, check_apart, cut, folds
from droplab.data.folder import default_data_dir
from droplab.data.hashes import Duplicates, duplicates
from droplab.data.lazy import LazySamples
from droplab.data.parts import Part, SealedPart, Split
from droplab.data.registry import fetch, load, verify
from droplab.data.samples import Batch, Samples, as_samples
from droplab.data.seeded import Seeded
from droplab.data.source import FileCheck
from droplab.data.tokens import Stream, Windows, read_text
from droplab.datasets import DatasetInfo, catalogue

__all__ = [
    "Batch",
    "DatasetInfo",
    "Duplicates",
    "FileCheck",
    "LazySamples",
    "Part",
    "Parting",
    "Samples",
    "SealedPart",
    "Seeded",
    "Split",
    "Stream",
    "Table",
    "Windows",
    "as_samples",
    "as_split",
    "catalogue",
    "check_apart",
    "cut",
    "default_data_dir",
    "duplicates",
    "fetch",
    "folds",
    "load",
    "read_csv",
    "read_text",
    "verify",
]
