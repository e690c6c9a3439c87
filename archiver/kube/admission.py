"""ValidatingAdmissionPolicy and its binding, as far as they say which deletions they are about."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec


class Resource(NamedTuple):
    """What is deleted: objects in namespaces, in any version that is served."""

    group: str
    plural: str

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}"


class Rule(msgspec.Struct, frozen=True, rename="camel"):
    """Requests by what they do, and to what."""

    api_groups: tuple[str, ...] = ()
    api_versions: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    scope: str = "*"

    def reaches(self, resource: Resource) -> bool:
        """Whether it is about some deletions of it."""
        return (
            not {resource.group, "*"}.isdisjoint(self.api_groups)
            and not {resource.plural, "*", "*/*"}.isdisjoint(self.resources)
            and not {"DELETE", "*"}.isdisjoint(self.operations)
            and self.scope in {"Namespaced", "*"}
        )

    @property
    def is_wide(self) -> bool:
        """Whether no deletion that it reaches is left out for its version or its name."""
        return "*" in self.api_versions and not self.resource_names


class Requirement(msgspec.Struct, frozen=True, rename="camel"):
    """One line of a selector's matchExpressions."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class Selector(msgspec.Struct, frozen=True, rename="camel"):
    """A label selector."""

    match_labels: Mapping[str, str] = {}
    match_expressions: tuple[Requirement, ...] = ()


_EVERYTHING: Final = Selector()


class Match(msgspec.Struct, frozen=True, rename="camel"):
    """Which requests. Without rules, as a binding may be: all that its policy is about."""

    resource_rules: tuple[Rule, ...] = ()
    exclude_resource_rules: tuple[Rule, ...] = ()
    namespace_selector: Selector = _EVERYTHING
    object_selector: Selector = _EVERYTHING

    def reaches(self, resource: Resource) -> bool:
        """Whether it is about some deletions of the resource."""
        excluded = (r for r in self.exclude_resource_rules if r.reaches(resource))
        return not any(rule.is_wide for rule in excluded) and (
            not self.resource_rules or any(rule.reaches(resource) for rule in self.resource_rules)
        )

    def gaps(self, resource: Resource, meant: Callable[[Requirement], bool]) -> Iterator[str]:
        """By which of its fields it may leave out some of what it reaches.

        A requirement on namespaces that is `meant` is no gap.
        """
        reaching = [rule for rule in self.resource_rules if rule.reaches(resource)]
        if reaching and not any(rule.is_wide for rule in reaching):
            yield "resourceRules"
        if any(rule.reaches(resource) for rule in self.exclude_resource_rules):
            yield "excludeResourceRules"
        if self.object_selector != _EVERYTHING:
            yield "objectSelector"
        selector = self.namespace_selector
        if selector.match_labels or not all(map(meant, selector.match_expressions)):
            yield "namespaceSelector"


class Expression(msgspec.Struct, frozen=True):
    """A variable or a validation, in CEL; a validation has no name."""

    name: str = ""
    expression: str = ""


class PolicySpec(msgspec.Struct, frozen=True, rename="camel"):
    """A policy's spec."""

    variables: tuple[Expression, ...] = ()
    validations: tuple[Expression, ...] = ()
    match_constraints: Match = Match()
    match_conditions: tuple[Any, ...] = ()
    failure_policy: str = "Fail"
    param_kind: Any = None

    @property
    def digest(self) -> str:
        """The SHA-256, in hex digits, of all that is evaluated: variables and validations."""
        evaluated = msgspec.json.encode((self.variables, self.validations))
        return hashlib.sha256(evaluated).hexdigest()

    def gaps(self, resource: Resource, meant: Callable[[Requirement], bool]) -> Iterator[str]:
        """As a Match has them, and its own."""
        yield from self.match_constraints.gaps(resource, meant)
        if self.match_conditions:
            yield "matchConditions"
        if self.failure_policy != "Fail":
            yield "failurePolicy"
        if self.param_kind is not None:
            yield "paramKind"


class BindingSpec(msgspec.Struct, frozen=True, rename="camel"):
    """A binding's spec."""

    policy_name: str = ""
    validation_actions: tuple[str, ...] = ()
    match_resources: Match = Match()


class Policy(msgspec.Struct, frozen=True, rename="camel"):
    """A ValidatingAdmissionPolicy."""

    spec: PolicySpec


class Binding(msgspec.Struct, frozen=True, rename="camel"):
    """A ValidatingAdmissionPolicyBinding."""

    spec: BindingSpec
