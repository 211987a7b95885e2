"""Makes test/harness.py importable from every folder below test/."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
