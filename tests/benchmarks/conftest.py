"""Scripts that `make bench` runs are no tests and hold none."""

collect_ignore_glob = ["_*.py", "panzoom.py", "phantom_*.py", "tiles_report.py"]
