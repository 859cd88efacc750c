"""How good models are on a labelled set, as papers measure it; tables and a page of it."""
