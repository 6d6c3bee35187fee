"""mesh.yaml -> Mesh, or every mistake with its file, line and path.

Two kinds of mistakes are found: those of one field (the models of ``proxy.mesh``) and those that
Envoy would accept and fail on later (a caller that does not exist, a route behind a broader one).
Reads text; the file itself is read by ``load``.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from collector.semconv import EXTERNAL, UNKNOWN
from proxy.errors import InvalidMesh, Problem
from proxy.mesh import ADMIN_PORT, INBOUND_PORT, OUTBOUND_PORT, Mesh, Route, Service
from proxy.mesh_words import describe, did_you_mean
from proxy.resources.routes import EGRESS_DENY, OTHER

Location = tuple[int | str, ...]


def load(path: Path) -> Mesh:
    """Read a mesh file; InvalidMesh when it cannot be read or used."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidMesh([Problem(str(path), 1, "", f"cannot be read: {reason}")]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InvalidMesh([Problem(str(path), line, "", "is not UTF-8 text")]) from error
    return parse(text, file=str(path))


def parse(text: str, *, file: str) -> Mesh:
    """Parse the text of a mesh file; InvalidMesh holds all problems at once, in line order."""
    document = _document(text, file)
    try:
        mesh = Mesh.model_validate(_plain(document))
    except ValidationError as error:
        found = [(item["loc"], describe(item)) for item in error.errors()]
        raise InvalidMesh(_problems(file, document, found)) from error
    conflicts = find_conflicts(mesh)
    if conflicts:
        raise InvalidMesh(_problems(file, document, conflicts))
    return mesh


def find_conflicts(mesh: Mesh) -> list[tuple[Location, str]]:
    """Return what is valid field by field and wrong as a whole, with the place of each."""
    found: list[tuple[Location, str]] = []
    names = Counter(service.name for service in mesh.services)
    workloads = Counter(w.name for s in mesh.services for w in s.workloads)
    addresses = Counter(w.address for s in mesh.services for w in s.workloads)
    for i, service in enumerate(mesh.services):
        here: Location = ("services", i)
        if service.name in _RESERVED_SERVICES:
            message = f"{service.name!r} is reserved for callers and hosts that are not in the mesh"
            found.append(((*here, "name"), message))
        if names[service.name] > 1:
            found.append(((*here, "name"), f"two services are called {service.name!r}"))
        for j, workload in enumerate(service.workloads):
            there: Location = (*here, "workloads", j)
            if workloads[workload.name] > 1:
                message = f"two workloads are called {workload.name!r}; a node id must be unique"
                found.append(((*there, "name"), message))
            if addresses[workload.address] > 1:
                message = f"two workloads share the address {workload.address}"
                found.append(((*there, "address"), message))
            if workload.app_port in _SIDECAR_PORTS:
                message = f"{workload.app_port} is taken by the sidecar on the same address"
                found.append(((*there, "appPort"), message))
        found.extend(((*here, *at), message) for at, message in _caller_conflicts(service, names))
        if service.fault is not None and service.fault.version not in {None, *service.versions}:
            message = f"no workload runs version {service.fault.version!r}"
            found.append(((*here, "fault", "version"), message))
        found.extend(
            ((*here, "routes", j), message) for j, message in _route_conflicts(service.routes)
        )
    return found


_RESERVED_SERVICES = frozenset({EXTERNAL, UNKNOWN})
_RESERVED_ROUTES = frozenset({OTHER, EGRESS_DENY})
_SIDECAR_PORTS = frozenset({ADMIN_PORT, OUTBOUND_PORT, INBOUND_PORT})


def _caller_conflicts(service: Service, names: Counter[str]) -> list[tuple[Location, str]]:
    if service.ingress and service.callers:
        message = "must be empty: an ingress takes plain HTTP, and services call each other by mTLS"
        return [(("callers",), message)]
    return [
        (("callers", j), f"no service is called {caller!r}{did_you_mean(caller, names)}")
        for j, caller in enumerate(service.callers)
        if caller not in names
    ]


def _route_conflicts(routes: Sequence[Route]) -> list[tuple[int, str]]:
    found = []
    for j, route in enumerate(routes):
        if route.name in _RESERVED_ROUTES:
            found.append((j, f"{route.name!r} is reserved for requests that fit no route"))
        for earlier in routes[:j]:
            if earlier.name == route.name:
                found.append((j, f"two routes are called {route.name!r}"))
            elif earlier.method == route.method and route.path_prefix.startswith(
                earlier.path_prefix
            ):
                message = (
                    f"{route.name!r} is never reached: {earlier.name!r} above it already "
                    f"takes {earlier.method} {earlier.path_prefix}; put {route.name!r} first"
                )
                found.append((j, message))
                break
    return found


def _document(text: str, file: str) -> CommentedMap:
    """Return the YAML of a mesh file with its line numbers; InvalidMesh when it has none."""
    try:
        document = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidMesh([Problem(file, line, "", f"YAML: {_yaml_words(error)}")]) from error
    except Exception as error:  # ruamel says "malformed" with KeyError, TypeError, ... as well
        said = str(error).partition("\n")[0]
        raise InvalidMesh([Problem(file, 1, "", f"YAML: {said}")]) from error
    if not isinstance(document, CommentedMap):
        raise InvalidMesh([Problem(file, 1, "", "a mesh file is a YAML mapping")])
    return document


def _yaml_words(error: MarkedYAMLError) -> str:
    if not error.context:
        return str(error.problem)
    began = f" (line {error.context_mark.line + 1})" if error.context_mark else ""
    return f"{error.context}{began}: {error.problem}"


def _problems(
    file: str, document: CommentedMap, found: Sequence[tuple[Location, str]]
) -> list[Problem]:
    problems = [
        Problem(file, _line(document, location), _dotted(location), message)
        for location, message in found
    ]
    return sorted(problems, key=lambda problem: problem.line)


def _plain(node: Any) -> Any:
    """Return the document without ruamel's types, which pydantic's strict unions refuse."""
    if isinstance(node, CommentedMap):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(value) for value in node]
    return node


def _line(document: CommentedMap, location: Location) -> int:
    """Return the 1-based line of the deepest part of a location that the file has."""
    node: Any = document
    line = int(document.lc.line) + 1
    for part in location:
        if not isinstance(node, CommentedMap | CommentedSeq):
            break
        # A merged key (`<<: *base`) has no place of its own; its value has.
        place = (node.lc.data or {}).get(part)
        if place is not None:
            line = int(place[0]) + 1
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            break
    return line


def _dotted(location: Location) -> str:
    """Return ``services[0].name``; pydantic's mark for a wrong key of a mapping is left out."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removesuffix(".[key]").lstrip(".")
