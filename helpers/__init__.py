"""The report's mathematics and machinery: each module serves one chapter or one step of the way to the report."""
