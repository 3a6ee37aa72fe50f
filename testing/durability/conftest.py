"""Shares the region of testing/sdk, but with real data that outlives its process."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "sdk"))
