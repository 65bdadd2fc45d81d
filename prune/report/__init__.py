"""Results: records, and what is made from them. Pure functions of records."""
