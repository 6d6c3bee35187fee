"""``meshscope sql``: a statement to a running server, its answer on the terminal."""
