"""Starts the function in the working directory as Lambda does; prints what that did, as JSON.

A script, since only a fresh interpreter shows what a start does; `test_cold_start.py` runs it.
"""

import gc
import importlib
import json
import os
import re
import sys
from typing import Any

SETTINGS = (
    *("TABLE_NAME", "DEAD_LETTER_QUEUE_URL", "PROBE_QUEUE_URL", "ALLOWED_ACCOUNTS"),
    *("WEBHOOK_QUEUE_URL", "WEBHOOK_QUEUE_ARN"),
    *("CURSOR_SECRET_ARN", "EVENT_SECRET_ARN"),
)
MODEL = re.compile(r"/botocore/data/([a-z]+)/[\d-]+/service-2")
FOLDER = re.compile(r"/botocore/data/([^/]*)")


def observe_start() -> dict[str, Any]:
    """Import ``app`` as Lambda does.

    Returns:
        ``modules`` that are loaded; ``clients``, the services whose models were read; ``listed``,
        folders of botocore's data of which the content was listed; ``collections`` of garbage
        before the function was loaded; whether the collector is ``collecting`` afterwards, and
        how many objects it is to leave alone, ``kept``.
    """
    clients, listed, collections = set(), set(), []

    def audit(event: str, values: tuple[Any, ...]) -> None:
        if event == "open":
            clients.update(MODEL.findall(str(values[0])))
        elif event == "os.listdir":
            listed.update(FOLDER.findall(f"{values[0]}/"))

    def collected(phase: str, _: object) -> None:
        if phase == "start" and not gc.get_freeze_count():
            collections.append(phase)

    sys.addaudithook(audit)
    gc.callbacks.append(collected)
    os.environ.update(dict.fromkeys(SETTINGS, "x"), AWS_LAMBDA_RUNTIME_API="x")
    importlib.import_module("app")
    return {
        "modules": sorted(sys.modules),
        "clients": sorted(clients),
        "listed": sorted(listed),
        "collections": len(collections),
        "collecting": gc.isenabled(),
        "kept": gc.get_freeze_count(),
    }


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - what is loaded should be the function's
    print(json.dumps(observe_start()))  # noqa: T201
