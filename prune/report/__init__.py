"""Drawing results: in a terminal (`terminal`), on a page (`page`), as figures (`figures`), on model cards (`cards`).

They draw records and what `detail` (a run's folders), `summary` (a run as facts) and `inspection` (a pruned model)
show.
"""
