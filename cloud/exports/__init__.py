"""What leaves as a file: comma-separated or as a workbook, safe to open, and marked with who took it when.

Whatever is exported goes through here, so that no name of a device runs as a formula in somebody's office.
What answers a request stands in `cloud.exports.answers` and is not named here: ingest loads no web server.
"""

from cloud.exports.cells import NO_SOURCE, Column, Mark, Table, Value, safe
from cloud.exports.separated import csv_of
from cloud.exports.workbook import XLSX, Workbook

__all__ = [
    "NO_SOURCE",
    "XLSX",
    "Column",
    "Mark",
    "Table",
    "Value",
    "Workbook",
    "csv_of",
    "safe",
]
