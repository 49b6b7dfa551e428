"""Every path of the HTTP API with its methods, whichever function answers them."""

from collections.abc import Mapping
from pathlib import Path

METHODS: Mapping[str, tuple[str, ...]] = {
    "/v1/suppressions": ("GET", "PUT"),
    "/v1/suppressions/check": ("POST",),
    "/v1/suppressions/list": ("GET",),
    "/v1/suppressions/history": ("GET",),
    "/v1/suppressions/remove": ("POST",),
    "/v1/suppressions/erase": ("POST",),
    "/v1/suppressions/erase/end": ("POST",),
    "/v1/allowlist": ("PUT",),
    "/v1/allowlist/remove": ("POST",),
    "/v1/domains": ("GET",),
    "/v1/sources": ("GET",),
    "/v1/sources/{source}": ("GET",),
    "/v1/sources/{source}/evidence": ("GET",),
    "/v1/sources/{source}/counts": ("GET",),
    "/v1/sources/{source}/suppressions": ("GET",),
    "/v1/webhooks/{provider}": ("GET", "HEAD", "POST"),
    "/v1/classify": ("POST",),
    "/v1/codes": ("GET",),
    "/v1/codes/{code}": ("GET",),
    "/v1/openapi.json": ("GET",),
}
"""Path templates as in template.yaml, to methods."""

DESCRIPTION = Path(__file__).with_name("openapi.json")
"""The API in OpenAPI 3.1, made from `openapi.yaml` by ``make openapi``; a test compares them."""


def methods_of(path: str) -> tuple[str, ...]:
    """Methods of the path of a request; none if the API has no such path."""
    segments = path.split("/")
    for template, methods in METHODS.items():
        if _matches(template.split("/"), segments):
            return methods
    return ()


def _matches(template: list[str], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        part == segment or (part.startswith("{") and segment != "")
        for part, segment in zip(template, segments, strict=True)
    )
