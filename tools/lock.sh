#!/bin/sh
# Usage: tools/lock.sh NAME
# Resolves requirements/NAME.in and writes the versions, without download addresses, to
# requirements/NAME.txt.
set -eu
name=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$(tools/python313.sh)" -m venv "$scratch"
"$scratch/bin/python" -m pip --quiet install -r "requirements/$name.in"
{
    echo "# Pinned by 'make lock' from $name.in."
    "$scratch/bin/python" -m pip freeze --all | grep -v '^pip=='
} >"$scratch/pins"
cp "$scratch/pins" "requirements/$name.txt"
