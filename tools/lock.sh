#!/bin/sh
# Usage: tools/lock.sh NAME...
# Resolves requirements/NAME.in to the newest versions and writes them, with the hashes of every
# file of each version but without download addresses, to requirements/NAME.txt; those of the
# layer and of a function into the folder from which SAM builds it.
set -eu
for name in "$@"; do
    case $name in
        layer) pins=layers/shared/requirements.txt ;;
        webhook) pins=functions/webhook/requirements.txt ;;
        *) pins=requirements/$name.txt ;;
    esac
    .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.13 --generate-hashes \
        --no-annotate --custom-compile-command "make lock" "requirements/$name.in" -o "$pins"
done
