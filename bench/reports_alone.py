"""Writes a workbook, and says how long that took and how large the process became: for `reports.py`."""

import datetime as dt
import io
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xlsxwriter

from cloud.exports import Column, Mark, Workbook


def rows(count: int) -> Iterator[list[Any]]:
    """Of ten columns, as the statistics table has them."""
    for n in range(count):
        yield [n, "某州", "某县", "房屋市政工程施工", f"第 {n} 项目部", f"{n} 号塔机力矩限制器失效", "第八条（五）", "2023-07-20", "企业自查", "更换限制器"]  # fmt: skip  # noqa: E501


def ours(count: int) -> None:
    """Through the exports."""
    book = Workbook(Mark("bench", dt.datetime.now(dt.UTC), "Asia/Shanghai"), title="bench")
    book.table("bench", [Column(str(n)) for n in range(10)], rows(count))
    book.content()


def bare(count: int) -> None:
    """XlsxWriter alone."""
    with xlsxwriter.Workbook(io.BytesIO(), {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows(count)):
            sheet.write_row(number, 0, row)


if __name__ == "__main__":
    began = time.perf_counter()
    {"ours": ours, "bare": bare}[sys.argv[1]](int(sys.argv[2]))
    took = time.perf_counter() - began
    # Not from getrusage, which counts what the parent had when it forked.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    print(json.dumps({"s": took, "mib": peak_kib / 1024}))
