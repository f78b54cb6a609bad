"""Data sets behind one split protocol: train, validation, and a test part that stays sealed."""

from droplab.data.assemble import as_split
from droplab.data.folder import default_data_dir
from droplab.data.parts import Part, SealedPart, Split
from droplab.data.registry import catalogue, fetch, load, verify
from droplab.data.source import DatasetInfo, FileCheck

__all__ = [
    "DatasetInfo",
    "FileCheck",
    "Part",
    "SealedPart",
    "Split",
    "as_split",
    "catalogue",
    "default_data_dir",
    "fetch",
    "load",
    "verify",
]
