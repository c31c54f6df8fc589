"""A run told to people: tables of what became of it, its samples, and the figures that show which leaves are weak."""

from tax.report.markup import cell
from tax.report.samples import page, safe_lines, sample_text, source_text
from tax.report.tables import markdown, summary, table_rows

__all__ = ["cell", "markdown", "page", "safe_lines", "sample_text", "source_text", "summary", "table_rows"]
