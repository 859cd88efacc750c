"""Names: of labels, how they are written, compared and looked up."""
