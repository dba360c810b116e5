"""What leaves as a file: comma-separated or as a workbook, safe to open, and marked with who took it when.

Whatever is exported goes through here, so that no name of a device runs as a formula in somebody's office.
"""

from cloud.exports.answers import MOST_ROWS, Attachment, CsvFile, answered, attachment, export
from cloud.exports.cells import NO_SOURCE, Column, Mark, Table, Value, safe
from cloud.exports.separated import csv_of
from cloud.exports.workbook import XLSX, Workbook

__all__ = [
    "MOST_ROWS",
    "NO_SOURCE",
    "XLSX",
    "Attachment",
    "Column",
    "CsvFile",
    "Mark",
    "Table",
    "Value",
    "Workbook",
    "answered",
    "attachment",
    "csv_of",
    "export",
    "safe",
]
