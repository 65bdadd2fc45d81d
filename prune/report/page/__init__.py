"""The page: one HTML file that shows all results, opens from disk and needs no network."""
