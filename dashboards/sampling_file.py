"""A sampling policy from YAML: which traces are kept when an hour is sealed.

Reads one file; what a policy means is ``collector.sampling``. Errors name file, line and field.
"""

from dataclasses import fields
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError

from collector.sampling import InvalidPolicy, SamplingPolicy

_POLICY = TypeAdapter(SamplingPolicy)


def load_policy(path: Path) -> SamplingPolicy:
    """Read a policy; InvalidPolicy or OSError when it cannot be used."""
    text = path.read_text(encoding="utf-8")
    try:
        document = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidPolicy(f"{path}:{line}: {error.problem}") from error
    if document is None:
        return SamplingPolicy()
    if not isinstance(document, CommentedMap):
        raise InvalidPolicy(f"{path}:1: a sampling policy is a YAML mapping")
    known = [field.name for field in fields(SamplingPolicy)]
    for name in document:
        if name not in known:
            line = document.lc.key(name)[0] + 1
            raise InvalidPolicy(f"{path}:{line}: {name}: is no field; there are {', '.join(known)}")
    try:
        return _POLICY.validate_python(dict(document))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        line = document.lc.key(first["loc"][0])[0] + 1 if first["loc"] else 1
        raise InvalidPolicy(f"{path}:{line}: {place}: {first['msg']}") from error
    except InvalidPolicy as error:
        raise InvalidPolicy(f"{path}:1: {error}") from error
