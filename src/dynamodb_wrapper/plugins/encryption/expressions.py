"""What expressions do with encrypted attributes: what they may is rewritten, anything else is refused.

Knows DynamoDB's expression language (Developer Guide, "Using expressions"). Must not know how values are
encrypted: it is given a function for that. An expression is read into tokens, and every place in it that
begins with an encrypted attribute has to be one of the few that mean the same of a ciphertext.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, Final, NoReturn, TypeAlias

from msgspec import Struct

from dynamodb_wrapper.engine.bodies import plain
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.plugins.encryption.tables import Protected
from dynamodb_wrapper.wire.plaintext import MARK
from dynamodb_wrapper.wire.values import WireValue

Encrypt: TypeAlias = Callable[[str, WireValue], WireValue]

CONDITIONS: Final = ("ConditionExpression", "FilterExpression", "KeyConditionExpression")
_EXPRESSIONS: Final = (*CONDITIONS, "UpdateExpression", "ProjectionExpression")
LEGACY: Final = (
    "AttributesToGet",
    "AttributeUpdates",
    "Expected",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
)
MEMBERS: Final = frozenset({*_EXPRESSIONS, *LEGACY})
"""The members of requests that are looked into."""
_CLAUSES: Final = ("SET", "REMOVE", "ADD", "DELETE")
_WORDS: Final = frozenset({*_CLAUSES, "AND", "OR", "NOT", "IN", "BETWEEN"})
_TOKEN: Final = re.compile(r"\s*([#:]?\w+|\[\s*\d+\s*\]|<>|<=|>=|[().,=<>+\-])")


class Place(Struct, frozen=True):
    """A document path in an expression.

    Parameters:
        attribute: the attribute that it begins with, its placeholder replaced.
        text: the path as it stands there.
        whole: whether it is the attribute as a whole.
    """

    attribute: str
    text: str
    whole: bool


Token: TypeAlias = str | Place


class Rewriting:
    """The expressions of one request on one table, rewritten for its encrypted attributes.

    Parameters:
        at: the table.
        body: the request, or the action of a transaction; it is not changed.
        encrypt: makes the ciphertext of an attribute's value; None where the request changes no item.
    """

    def __init__(self, at: Protected, body: Mapping[str, Any], encrypt: Encrypt | None = None) -> None:
        self._at = at
        self._body = dict(body)
        self._names: dict[str, str] = dict(body.get("ExpressionAttributeNames") or {})
        self._values: dict[str, WireValue] = dict(plain(body.get("ExpressionAttributeValues") or {}))
        self._encrypt = encrypt
        self._numbers = count()
        self.added: set[str] = set()

    def body(self) -> dict[str, Any]:
        """The request with its expressions rewritten.

        Raises:
            ValidationError: an expression needs to look inside a ciphertext.
        """
        for member in LEGACY:
            if member in self._body:
                self._refuse(member, "it is a parameter of old, which is not looked into: use expressions")
        for member in CONDITIONS:
            if member in self._body:
                self._body[member] = self._condition(member, self._read(self._body[member]))
        if "UpdateExpression" in self._body:
            self._body["UpdateExpression"] = self._update(self._read(self._body["UpdateExpression"]))
        if "ProjectionExpression" in self._body:
            self._body["ProjectionExpression"] = self._projection(
                self._read(self._body["ProjectionExpression"])
            )
        return self._finished()

    def _read(self, expression: str) -> list[Token]:
        texts, end = [], 0
        for match in _TOKEN.finditer(expression):
            if match.start() != end:
                break
            texts.append(match[1])
            end = match.end()
        if expression[end:].strip():
            self._refuse(expression[end:].strip(), "it is no expression that could be read")
        return list(self._places(texts))

    def _places(self, texts: Sequence[str]) -> list[Token]:
        tokens: list[Token] = []
        position = 0
        while position < len(texts):
            text, position = texts[position], position + 1
            following = texts[position] if position < len(texts) else ""
            is_name = text[0] == "#" or (text[0] == "_" or text[0].isalpha())
            if not is_name or following == "(" or text.upper() in _WORDS:
                tokens.append(text)
                continue
            path = text
            while position < len(texts) and (texts[position][0] == "[" or texts[position] == "."):
                steps = 1 if texts[position][0] == "[" else 2
                path += "".join(texts[position : position + steps])
                position += steps
            tokens.append(Place(self._names.get(text, text), path, path == text))
        return tokens

    def _condition(self, member: str, tokens: list[Token]) -> str:
        for position, token in enumerate(tokens):
            if not isinstance(token, Place):
                continue
            before, after = tokens[max(0, position - 2) : position], tokens[position + 1 : position + 3]
            if token.attribute in self._at.indexes:
                self._blind_value(token.attribute, _compared(before, after))
            if token.attribute not in self._at.attributes or _is_existence(token, before, after):
                continue
            value = _compared(before, after) if token.whole else None
            if value is None:
                indexed = self._at.attributes[token.attribute] is not None
                self._refuse(member, _incomparable(token.attribute, indexed=indexed))
            other = position + 2 if after[:1] == ["="] else position - 2
            tokens[position], tokens[other] = self._equality(member, token, value)
        return _text(tokens)

    def _equality(self, member: str, place: Place, placeholder: str) -> tuple[Token, Token]:
        index = self._at.attributes[place.attribute]
        if index is None:
            self._refuse(member, _incomparable(place.attribute, indexed=False))
        blind = self._at.blind(place.attribute, self._value(placeholder))
        if blind is None:
            self._refuse(member, f"{place.attribute} is encrypted, and its blind index does not know None")
        return Place(index, self._name(index), True), self._fresh_value(blind)

    def _blind_value(self, index: str, placeholder: str | None) -> None:
        """Put in what the blind index holds for a value that is compared with it and marked."""
        value = self._values.get(placeholder) if placeholder is not None else None
        if value is not None and MARK in value:
            attribute = next(name for name, its in self._at.attributes.items() if its == index)
            blind = self._at.blind(attribute, value[MARK])
            if blind is not None:
                self._values[str(placeholder)] = blind

    def _update(self, tokens: list[Token]) -> str:
        clauses: dict[str, list[str]] = {}
        for clause, action in _actions(tokens):
            target = action[0] if action else ""
            encrypted = [
                token
                for token in action
                if isinstance(token, Place)
                and (token.attribute in self._at.attributes or token.attribute in self._at.indexes)
            ]
            if not encrypted:
                clauses.setdefault(clause, []).append(_text(action))
            elif isinstance(target, Place) and target.whole and target.attribute in self._at.attributes:
                self._change(clauses, clause, target, action[1:])
            else:
                self._refuse_change(encrypted[0])
        return " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items())

    def _change(
        self, clauses: dict[str, list[str]], clause: str, target: Place, rest: Sequence[Token]
    ) -> None:
        index = self._at.attributes[target.attribute]
        kept_value = _kept_value(target, rest)
        if clause == "REMOVE" and not rest:
            clauses.setdefault("REMOVE", []).append(target.text)
            if index is not None:
                clauses["REMOVE"].append(self._name(index))
        elif clause == "SET" and len(rest) == 2 and rest[0] == "=" and _is_value(rest[1]):
            value = self._value(str(rest[1]))
            made = self._encrypted(target.attribute, value)
            clauses.setdefault("SET", []).append(f"{target.text} = {made}")
            if index is not None:
                blind = self._at.blind(target.attribute, value)
                if blind is None:
                    clauses.setdefault("REMOVE", []).append(self._name(index))
                else:
                    clauses["SET"].append(f"{self._name(index)} = {self._fresh_value(blind)}")
        elif clause == "SET" and kept_value is not None and index is None:
            made = self._encrypted(target.attribute, self._value(kept_value))
            clauses.setdefault("SET", []).append(f"{target.text} = if_not_exists({target.text}, {made})")
        else:
            self._refuse_change(target)

    def _refuse_change(self, place: Place) -> NoReturn:
        if place.attribute in self._at.indexes:
            self._refuse("UpdateExpression", f"{place.attribute} is a blind index, which follows its field")
        self._refuse(
            "UpdateExpression",
            f"{place.text if place.whole else 'a place inside of ' + place.attribute} is encrypted, so that "
            f"{place.attribute} can only be set to a value as a whole, or removed: read the item and write "
            "the new value",
        )

    def _encrypted(self, attribute: str, value: WireValue) -> str:
        if self._encrypt is None:
            self._refuse("UpdateExpression", "the request has no Key: say which item is changed")
        return self._fresh_value(self._encrypt(attribute, value))

    def _projection(self, tokens: list[Token]) -> str:
        places = [token for token in tokens if isinstance(token, Place)]
        encrypted = [place for place in places if place.attribute in self._at.attributes]
        for place in encrypted:
            if not place.whole:
                self._refuse("ProjectionExpression", f"{place.attribute} is encrypted: read it as a whole")
        text = _text(tokens)
        if encrypted:
            present = {place.attribute for place in places if place.whole}
            for name in self._at.key_fields:
                if name not in present:
                    text += f", {self._name(name)}"
                    self.added.add(name)
        return text

    def _value(self, placeholder: str) -> WireValue:
        value = self._values.get(placeholder)
        if value is None:
            self._refuse(placeholder, "it is not among the ExpressionAttributeValues")
        plain: WireValue = value.get(MARK, value)
        return plain

    def _fresh_value(self, value: WireValue) -> str:
        placeholder = self._fresh(":", self._values)
        self._values[placeholder] = value
        return placeholder

    def _name(self, attribute: str) -> str:
        placeholder = self._fresh("#", self._names)
        self._names[placeholder] = attribute
        return placeholder

    def _fresh(self, sign: str, taken: Mapping[str, Any]) -> str:
        return next(name for number in self._numbers if (name := f"{sign}enc{number}") not in taken)

    def _finished(self) -> dict[str, Any]:
        used = {
            text
            for member in _EXPRESSIONS
            if member in self._body
            for text in _TOKEN.findall(self._body[member])
        }
        for member, kept in (
            ("ExpressionAttributeNames", self._names),
            ("ExpressionAttributeValues", self._values),
        ):
            left = {name: value for name, value in kept.items() if name in used}
            if left:
                self._body[member] = left
            elif kept:
                self._body.pop(member, None)
        return self._body

    def _refuse(self, where: str, why: str) -> NoReturn:
        raise ValidationError(
            f"{where} on table {self._at.table}: {why}",
            context={"table": self._at.table},
            errors={where: [why]},
        )


def _incomparable(attribute: str, *, indexed: bool) -> str:
    if indexed:
        return f"{attribute} is encrypted: it can be asked whether it exists, or whether it equals a value"
    return (
        f"{attribute} is encrypted: it can be asked whether it exists; annotate it with BlindIndex() to ask "
        "whether it equals a value"
    )


def _actions(tokens: Sequence[Token]) -> list[tuple[str, list[Token]]]:
    """The actions of an update expression, each with its clause."""
    actions: list[tuple[str, list[Token]]] = []
    clause, depth = "", 0
    for token in tokens:
        if isinstance(token, str) and token.upper() in _CLAUSES:
            clause = token.upper()
            actions.append((clause, []))
        elif token == "," and depth == 0 and actions:
            actions.append((clause, []))
        elif actions:
            depth += (token == "(") - (token == ")")
            actions[-1][1].append(token)
    return actions


def _kept_value(target: Place, rest: Sequence[Token]) -> str | None:
    """The value's placeholder in `= if_not_exists(target, :value)`."""
    match rest:
        case ["=", str(name), "(", Place(attribute=attribute, whole=True), ",", str(value), ")"]:
            if name.lower() == "if_not_exists" and attribute == target.attribute and _is_value(value):
                return value
    return None


def _is_existence(place: Place, before: Sequence[Token], after: Sequence[Token]) -> bool:
    functions = ("attribute_exists", "attribute_not_exists")
    return place.whole and after[:1] == [")"] and before[1:] == ["("] and before[0] in functions


def _compared(before: Sequence[Token], after: Sequence[Token]) -> str | None:
    """The placeholder of the value that stands on the other side of `=`."""
    if after[:1] == ["="] and len(after) == 2 and _is_value(after[1]):
        return str(after[1])
    return str(before[0]) if before[1:] == ["="] and _is_value(before[0]) else None


def _is_value(token: Token) -> bool:
    return isinstance(token, str) and token[0] == ":"


def _text(tokens: Sequence[Token]) -> str:
    return " ".join(token.text if isinstance(token, Place) else token for token in tokens)
