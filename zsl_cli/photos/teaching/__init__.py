"""Teaching: photos that show a label, or do not, → a taught vocabulary."""
