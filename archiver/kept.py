"""Bytes that are kept instead of a record: how they are named, and why they are no record."""

from archiver.domain.custom_resource import CustomResource
from archiver.domain.plan import Quarantine
from archiver.domain.report import Problem, beside_name
from archiver.ports import Quarantined, Unparsed


def kept_of(resource: CustomResource, reason: str, message: str) -> Quarantined:
    """Those of an object that could be read."""
    name = str(resource)
    said = beside_name(name, message)
    return Quarantined(name, reason, said, resource.raw, resource.key.uid)


def unconverted_kept(item: Quarantine) -> Quarantined:
    """Those of an object that the plan refuses."""
    return kept_of(item.resource, item.reason, item.message)


def unparsed_kept(item: Unparsed) -> Quarantined:
    """Those of an object that could not be read."""
    message = beside_name(item.position, item.message)
    return Quarantined(item.position, item.reason, message, item.raw, item.uid)


def problem_of(item: Quarantined) -> Problem:
    """What the report says of them."""
    return Problem(item.position, item.uid, item.reason, item.message)
