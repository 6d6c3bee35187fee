"""Who reads which spec."""

from typing import Final

from slo.importing import pyrra, sloth
from slo.importing.specs import Import, Reader, import_specs

READERS: Final[dict[str, tuple[str, Reader]]] = {
    sloth.VERSION: ("", sloth.read_sloth),
    sloth.CRD: (sloth.CRD_KIND, sloth.read_sloth_crd),
    pyrra.VERSION: (pyrra.KIND, pyrra.read_pyrra),
}


def read_spec(text: str, file: str) -> Import:
    """Read a file of any of them; raises OpenSloError and UnknownSpec."""
    return import_specs(text, file, READERS)
