"""Divides a data frame with the recipe for pandas; prints both parts.

Usage: recipe_pandas.py RECIPE API_URL, with the columns of the frame as the input, as JSON.
"""

import json
import runpy
import sys

import pandas as pd

RECIPE, API_URL = sys.argv[1:]

columns = json.load(sys.stdin)
# Rows that share their label are told apart by their place.
frame = pd.DataFrame(columns, index=[7] * len(columns["email"]))
parts = runpy.run_path(RECIPE)["divide"](API_URL, frame)
print(json.dumps([part.to_dict("list") for part in parts]))  # noqa: T201
