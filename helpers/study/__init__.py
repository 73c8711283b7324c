"""The report's trainings over seeds and settings, on Dask: `python -m helpers.study --help`."""
