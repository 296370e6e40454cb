"""`python -m jaxseg` is the `jaxseg` command."""

import sys

from jaxseg.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
