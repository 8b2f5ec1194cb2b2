"""The page that is committed, and the record it is made of."""

import subprocess
import sys

from benchmarks import record, report


def test_the_committed_page_is_what_the_committed_record_gives():
    assert report.PAGE.read_text() == report.page(record.load()), "python -m benchmarks --render writes it anew"


def test_a_process_that_imports_the_report_alone_knows_every_suite():
    code = "from benchmarks import record, report; print(report.page(record.load()).count('| '))"
    cells = int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    assert cells > 1000
