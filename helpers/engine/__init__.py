"""The same numbers as the plain layers, quicker: strips, Winograd's sums, threads, memory used again."""
