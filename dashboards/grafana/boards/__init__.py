"""One dashboard per file: executive (are we keeping our word), oncall (what broke), debug (why)."""
