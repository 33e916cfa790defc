"""How campaigns and their steps are doing: counted in the database, never kept beside it."""
