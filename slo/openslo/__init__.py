"""OpenSLO files to objectives: every kind of v1, v2alpha too, strictly or leniently.

``files``: load_openslo, parse_openslo; all files first, then references between them. ``reading``:
what is known while they are read, and the differences of the two versions. ``alerting``: policies,
conditions, targets and the annotations that give windows. ``indicators``: metric sources.
``objectives``: an SLO and what is made of it. ``timewindows``: rolling and calendar windows.
``writing``: objectives to a file.

Strict reading uses everything as it is written, or refuses. Lenient reading also takes the traps
that files in the wild fall into, and warns of each by name. Nothing is ever guessed in silence.
Spec: https://github.com/OpenSLO/OpenSLO (v1, v2alpha).
"""

from slo.openslo.files import load_openslo, parse_openslo

__all__ = ["load_openslo", "parse_openslo"]
