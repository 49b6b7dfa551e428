"""AWS clients, made in less time than botocore takes, or not until they are needed."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.config import Config


def create_client(
    service: str, config: "Config", *, region: str | None = None, endpoint_url: str | None = None
) -> Any:
    """A client of plain botocore: boto3 would cost a cold start more and add nothing here.

    Args:
        service: name of a service that botocore knows, such as ``sqs``.
        config: time limits and retries.
        region: AWS region; botocore's own choice by default.
        endpoint_url: of a local service; that of AWS by default.
    """
    from botocore.loaders import Loader
    from botocore.session import Session

    class KnownService(Loader):
        """Finds data files without a list of all services.

        botocore lists the folders of some 440 twice to tell whether there is this one, which is
        a quarter of the time that a client takes.
        """

        def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - as botocore has it
            return [service]

    session = Session()
    session.register_component("data_loader", KnownService())
    return session.create_client(
        service, region_name=region, endpoint_url=endpoint_url, config=config
    )


class ConnectedLater:
    """A client that is created by its first call, for a function that seldom needs one.

    Args:
        create: makes the client; called once, unless two threads make the first call together.
    """

    def __init__(self, create: Callable[[], object]) -> None:
        self._create = create

    @cached_property
    def _client(self) -> object:
        return self._create()

    def __getattr__(self, name: str) -> Any:
        """A method of the client."""
        return getattr(self._client, name)
