"""`python -m cloud` is `sitewarden cloud`: how the supervisor starts its children."""

import sys

from sitewarden.cli import main

sys.exit(main(["cloud", *sys.argv[1:]]))
