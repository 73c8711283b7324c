"""`python -m helpers.data`."""

import sys

from helpers.data.datasets import main

sys.exit(main())
