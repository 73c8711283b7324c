"""`python -m helpers.report`."""

import sys

from helpers.report.command import main

sys.exit(main())
