"""Records of finished runs: reading them, their rows, comparison and selection, and the table as files. Nothing draws.

Bottom up: `record` (one run); `rows` and `table` (the rows of the table); `selection`, `pareto`, `dense_reference`
and `published_rows` (which rows, relative to what); `cells` and `formats` (rows as text); `files` (an outputs folder);
`unfinished` (runs that have no record).
"""
