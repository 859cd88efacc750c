"""What all commands share: options, tables, the progress bar, notes, signals."""
