"""Every picture and table of the report, in one style."""
