"""Pieces of a template -> its tree.

Never looks up a value. A function that is not known is an error here, as in Go.
https://pkg.go.dev/text/template#hdr-Actions
"""

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Final

from alerts.templates.nodes import (
    Branch,
    Constant,
    Name,
    Node,
    Nodes,
    Operand,
    Path,
    Pipeline,
    Show,
    Text,
    Within,
)
from alerts.templates.tokens import Action, Token, pieces, quoted, unquoted
from alerts.templates.values import BadTemplate

_BRANCHES: Final = ("if", "with", "range")
_LEFT_OUT: Final = ("define", "block", "template", "break", "continue")
_CONSTANTS: Final = {"true": True, "false": False, "nil": None}
_MAX_DEPTH: Final = 50


def parse_template(text: str, functions: Container[str]) -> Nodes:
    """Return the tree of a template; raise BadTemplate, which begins with the line."""
    reader = _Reader(list(pieces(text)), functions)
    nodes, end = reader.nodes(0)
    if end is not None:
        raise BadTemplate(f"{end.line}: unexpected {{{{{end.tokens[0].text}}}}}")
    return nodes


@dataclass(slots=True)
class _Reader:
    """Reads pieces in turn."""

    left: list[str | Action]
    functions: Container[str]
    variables: list[str] = field(default_factory=lambda: ["$"])

    def nodes(self, depth: int) -> tuple[Nodes, Action | None]:
        """Read up to ``else``, ``end`` or the end of the text."""
        if depth > _MAX_DEPTH:
            raise BadTemplate("1: nested too deeply")
        found: list[Node] = []
        while self.left:
            piece = self.left.pop(0)
            if isinstance(piece, str):
                if piece:
                    found.append(Text(piece))
                continue
            tokens = _trimmed(piece)
            if not tokens:
                raise BadTemplate(f"{piece.line}: missing value for command")
            word = tokens[0].text
            if word in {"else", "end"}:
                return tuple(found), Action(tuple(tokens), piece.line)
            if word in _LEFT_OUT:
                raise BadTemplate(f"{piece.line}: {{{{{word}}}}} is not supported here")
            if word in _BRANCHES:
                found.append(self.branch(word, tokens[1:], piece.line, depth))
            else:
                found.append(Show(_Commands(tokens, self, piece.line).pipeline()))
        return tuple(found), None

    def branch(self, kind: str, tokens: list[Token], line: int, depth: int) -> Branch:
        """Read the rest of a branch, up to its ``end``."""
        known = len(self.variables)
        pipeline = _Commands(_trimmed(tokens), self, line, kind).pipeline()
        body, end = self.nodes(depth + 1)
        otherwise: Nodes = ()
        if end is not None and end.tokens[0].text == "else":
            rest = _trimmed(end.tokens[1:])
            if rest and rest[0].text in {"if", "with"}:
                otherwise = (self.branch(rest[0].text, rest[1:], end.line, depth + 1),)
                del self.variables[known:]
                return Branch(kind, pipeline, body, otherwise)
            otherwise, end = self.nodes(depth + 1)
        if end is None:
            raise BadTemplate(f"{line}: unexpected EOF")
        if end.tokens[0].text != "end":
            raise BadTemplate(f"{end.line}: expected end; found {{{{else}}}}")
        del self.variables[known:]
        return Branch(kind, pipeline, body, otherwise)


@dataclass(slots=True)
class _Commands:
    """Reads the tokens of one action."""

    tokens: list[Token]
    reader: _Reader
    line: int
    context: str = "command"
    at: int = 0

    def pipeline(self, closing: str = "") -> Pipeline:
        """Read declared variables and commands."""
        declared, is_declaration = self._declared()
        commands: list[tuple[Operand, ...]] = []
        while True:
            command = self._command(closing)
            if not command:
                raise BadTemplate(f"{self.line}: missing value for {self.context}")
            commands.append(command)
            if self._next() == "|":
                self.at += 1
                continue
            if closing:
                if self._next() != closing:
                    raise BadTemplate(f"{self.line}: unclosed left paren")
                self.at += 1
            elif self.at < len(self.tokens):
                raise BadTemplate(f"{self.line}: unexpected {quoted(self._next())} in operand")
            self.reader.variables.extend(declared if is_declaration else ())
            return Pipeline(tuple(commands), declared, is_declaration)

    def _declared(self) -> tuple[tuple[str, ...], bool]:
        words = [one for one in self.tokens[self.at :] if one.kind != "space"]
        texts = [one.text for one in words[:4]]
        for count, pattern in ((1, (1,)), (2, (1, 3))):
            where = pattern[-1]
            names = tuple(texts[at - 1] for at in pattern if at <= len(texts))
            if (
                len(texts) > where
                and texts[where] in {":=", "="}
                and all(name.startswith("$") for name in names)
                and (count == 1 or (self.context == "range" and texts[1] == ","))
            ):
                sign = words[where]
                self.at = next(n for n, one in enumerate(self.tokens) if one is sign) + 1
                if sign.text == "=":
                    self._check_variables(names)
                return names, sign.text == ":="
        return (), False

    def _check_variables(self, names: tuple[str, ...]) -> None:
        for name in names:
            if name not in self.reader.variables:
                raise BadTemplate(f"{self.line}: undefined variable {quoted(name)}")

    def _command(self, closing: str) -> tuple[Operand, ...]:
        operands: list[Operand] = []
        is_apart = True
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind == "space":
                is_apart = True
            elif token.text == "|" or (closing and token.text == closing):
                break
            elif not is_apart:
                raise BadTemplate(f"{self.line}: unexpected {quoted(token.text)} in operand")
            else:
                operands.append(self._operand(token))
                is_apart = False
                continue
            self.at += 1
        return tuple(operands)

    def _operand(self, token: Token) -> Operand:
        self.at += 1
        match token.kind:
            case "string":
                if token.text.startswith("'"):
                    return Constant(ord(unquoted(token.text)))
                return Constant(unquoted(token.text))
            case "number":
                return Constant(_number(token))
            case "field":
                return Path("", tuple(filter(None, token.text.split("."))))
            case "variable":
                root, *fields = token.text.split(".")
                self._check_variables((root,))
                return Path(root, tuple(fields))
            case "word":
                return self._name(token)
            case _ if token.text == "(":
                inner = self.pipeline(")")
                return Within(inner, self._fields_after())
            case _:
                raise BadTemplate(f"{self.line}: unexpected {quoted(token.text)} in operand")

    def _name(self, token: Token) -> Operand:
        if token.text in _CONSTANTS:
            return Constant(_CONSTANTS[token.text])
        if token.text not in self.reader.functions:
            raise BadTemplate(f"{token.line}: function {quoted(token.text)} not defined")
        return Name(token.text)

    def _fields_after(self) -> tuple[str, ...]:
        if self.at < len(self.tokens) and self.tokens[self.at].kind == "field":
            self.at += 1
            return tuple(filter(None, self.tokens[self.at - 1].text.split(".")))
        return ()

    def _next(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""


def _trimmed(action: Action | tuple[Token, ...] | list[Token]) -> list[Token]:
    tokens = list(action.tokens if isinstance(action, Action) else action)
    while tokens and tokens[0].kind == "space":
        tokens.pop(0)
    while tokens and tokens[-1].kind == "space":
        tokens.pop()
    return tokens


def _number(token: Token) -> int | float:
    try:
        return int(token.text, 0)
    except ValueError:
        pass
    try:
        return float(token.text)
    except ValueError:
        raise BadTemplate(f"{token.line}: bad number syntax: {quoted(token.text)}") from None
