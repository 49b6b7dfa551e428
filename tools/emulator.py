"""Runs the local AWS emulator, with what its IAM does differently from AWS's put right.

AWS lets whoever may call SendMessage call SendMessageBatch, and the like; there are no actions
of the batches' names ("Actions, resources, and condition keys for Amazon SQS"). The emulator asks
for such an action.

Run by `tools.stack` with the emulator's own Python.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def main() -> None:
    """Serve until the process is stopped."""
    iam_actions: Any = import_module("ministack.core.iam_actions")
    iam_actions.extract_iam_action = without_batches(iam_actions.extract_iam_action)
    import_module("ministack.app").main()


def without_batches(action_of: Callable[..., str | None]) -> Callable[..., str | None]:
    """The same function, which gives a batch of SQS calls the action of a single one."""

    def single(*request: Any) -> str | None:
        action = action_of(*request)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    return single


if __name__ == "__main__":
    main()
