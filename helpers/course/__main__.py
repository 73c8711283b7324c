"""`python -m helpers.course`."""

import sys

from helpers.course.command import main

sys.exit(main())
