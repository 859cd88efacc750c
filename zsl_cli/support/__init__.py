"""Files, folders, wording, pages: what every room needs and what knows of none of them."""
