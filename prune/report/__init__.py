"""Drawing results: in the terminal, on a page, as figures, on model cards."""
