"""`python -m helpers.study`."""

import sys

from helpers.study.command import main

sys.exit(main())
