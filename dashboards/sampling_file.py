"""A sampling policy from YAML: which traces are kept when an hour is sealed.

Reads one file; what a policy means is ``collector.sampling``. Errors name file, line and field.
"""

from dataclasses import fields
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from collector.lined_yaml import NotAMapping, read_mapping
from collector.sampling import InvalidPolicy, SamplingPolicy

_POLICY = TypeAdapter(SamplingPolicy)


def load_policy(path: Path) -> SamplingPolicy:
    """Read a policy; InvalidPolicy or OSError when it cannot be used."""
    text = path.read_text(encoding="utf-8")
    try:
        document = read_mapping(text)
    except NotAMapping as error:
        raise InvalidPolicy(f"{path}:{error.line}: {error.reason}") from error
    known = [field.name for field in fields(SamplingPolicy)]
    for name in document.values:
        if name not in known:
            line = document.line(name)
            raise InvalidPolicy(f"{path}:{line}: {name}: is no field; there are {', '.join(known)}")
    try:
        return _POLICY.validate_python(document.values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        line = document.line(*first["loc"])
        raise InvalidPolicy(f"{path}:{line}: {place}: {first['msg']}") from error
    except InvalidPolicy as error:
        raise InvalidPolicy(f"{path}:1: {error}") from error
