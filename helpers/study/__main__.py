"""`python -m helpers.study`."""

import sys

from helpers.study.run import main

sys.exit(main())
