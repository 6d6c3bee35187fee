"""Claims about speed, as scripts that anybody can run: see README.md."""
