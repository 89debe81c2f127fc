"""`python -m errata`, the same as the command `errata`."""

import sys

from errata.cli import main

sys.exit(main())
