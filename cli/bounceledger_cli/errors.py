"""The error that ends a command."""


class CommandError(Exception):
    """Ends a command with one message for the user.

    Attributes:
        exit_code: exit code of the process; 2 for input that cannot be used.
    """

    def __init__(self, message: str, *, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code
