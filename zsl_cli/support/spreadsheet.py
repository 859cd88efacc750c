"""Cells of a CSV file that a spreadsheet may open."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def safe(cell: str) -> str:
    """A text with an apostrophe before it if a spreadsheet would run it as a formula (OWASP, "CSV
    injection")."""
    return "'" + cell if cell.startswith(_FORMULA) else cell
