#!/bin/sh
# Prints the path of a Python 3.13 interpreter. A version manager's shim is resolved to the
# real one, since SAM rejects shims.
for candidate in "${PYTHON:-}" python3.13 "$HOME"/.pyenv/versions/3.13*/bin/python3.13 \
    /opt/homebrew/bin/python3.13 /usr/local/bin/python3.13 /usr/bin/python3.13 \
    "$(uv python find 3.13 2>/dev/null)" python3; do
    [ -n "$candidate" ] || continue
    real=$("$candidate" -c 'import os, sys
sys.version_info[:2] == (3, 13) and print(os.path.realpath(sys.executable))' 2>/dev/null)
    if [ -n "$real" ]; then
        echo "$real"
        exit 0
    fi
done
cat >&2 <<'MESSAGE'
bounceledger needs CPython 3.13, which was not found. Install it with one of:
    apt-get install python3.13 python3.13-venv     (Debian, Ubuntu)
    brew install python@3.13                       (macOS)
    pyenv install 3.13
    uv python install 3.13
If it is installed elsewhere, pass its path: make PYTHON=/path/to/python3.13
MESSAGE
exit 1
