"""Key templates: keys that are put together from the texts of fields, such as `ORDER#{order_id}`.

Knows how a template is written, which ones cannot work, and how a value becomes a part of a key. Must not
know Meta, models or what keys are for. A text that stands in a template may not contain the template's
punctuation, so that no two sets of values give one key, and no value can reach into another model's keys.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Context, Decimal
from typing import Any, Final, NoReturn
from uuid import UUID

from msgspec import Struct

from dynamodb_wrapper.schema.annotations import plain_types
from dynamodb_wrapper.wire.refusal import Refused
from dynamodb_wrapper.wire.values import WireValue

_FIXED = (datetime, date, UUID)
"""Their stored texts all have one length and sort as the values do."""
_NUMBERS = (int, float, Decimal)
_EXACT = Context(prec=200)
_IN_FIXED = frozenset("0123456789abcdefABCDEFT:+-.")
_HOW: Final = (
    "say how it is written: {%s:010d} for whole numbers, {%s:012.2f} for others, both filled up with zeros "
    "so that they sort, or {%s:d} for whole numbers whose order does not matter"
)


class Slot(Struct, frozen=True):
    """A field's place in a template.

    Parameters:
        attribute: the field's attribute.
        digits: how many characters a number has at least, filled up with zeros; 0 where it is not filled up.
        decimals: how many of its digits stand behind the point; None for a value that is no number.
        fixed: whether all texts have one length and sort as the values do.
        optional: whether the field may be None.
        banned: the characters that its text may not contain.
    """

    attribute: str
    digits: int = 0
    decimals: int | None = None
    fixed: bool = False
    optional: bool = False
    banned: str = ""

    def text(self, value: Mapping[str, Any]) -> str:
        """The text of a value in wire form.

        Raises:
            Refused: it cannot stand in this template.
        """
        ((tag, content),) = value.items()
        if self.decimals is not None:
            if tag != "N":
                raise Refused("a number is needed for the key")
            return self._number(Decimal(content), self.decimals)
        if tag == "BOOL":
            return "true" if content else "false"
        if tag != "S":
            raise Refused("only text can stand in this key")
        text = str(content)
        found = next((character for character in text if character in self.banned), None)
        if found is not None:
            raise Refused(
                f"{text!r} stands in a key and must not contain {found!r}, which separates its parts"
            )
        return text

    def _number(self, number: Decimal, decimals: int) -> str:
        if number != number.quantize(Decimal(1).scaleb(-decimals), context=_EXACT):
            raise Refused(f"{number} has more than the {decimals} decimals that its key has room for")
        number = number or Decimal(0)  # and not -0
        if not self.digits:
            return f"{number:.0f}"
        if number < 0:
            raise Refused(f"{number} is negative, and would not sort in its key, which takes 0 and more")
        text = f"{number:0{self.digits}.{decimals}f}"
        if len(text) > self.digits:
            largest = Decimal(f"1E{self.digits - bool(decimals) - decimals}") - Decimal(f"1E-{decimals}")
            raise Refused(
                f"{number} is too large: the {self.digits} characters in its key hold at most {largest:f}"
            )
        return text


class Template(Struct, frozen=True):
    """How a key is put together.

    Parameters:
        attribute: the key attribute.
        parts: texts and slots.
        is_prefix: whether keys go on behind it, in ways that differ.
    """

    attribute: str
    parts: tuple[str | Slot, ...]
    is_prefix: bool = False

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The places of fields, in their order."""
        return tuple(part for part in self.parts if isinstance(part, Slot))

    @property
    def fields(self) -> tuple[str, ...]:
        """The attributes of the fields, in their order."""
        return tuple(slot.attribute for slot in self.slots)

    def render(self, item: Mapping[str, WireValue]) -> WireValue | None:
        """The key of an item in wire form; None where a field has no value.

        Raises:
            Refused: a value is empty, or cannot stand in the key; `path` names its attribute.
        """
        texts: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            value = item.get(part.attribute)
            if value is None or "NULL" in value:
                return None
            try:
                text = part.text(value)
                if not text:
                    raise Refused(f"an empty text cannot stand in the key {self.attribute}: give it a value")
            except Refused as refused:
                raise refused.inside(part.attribute) from None
            texts.append(text)
        return {"S": "".join(texts)}

    def __str__(self) -> str:
        return "".join(part if isinstance(part, str) else f"{{{part.attribute}}}" for part in self.parts)


def template_of(
    attribute: str,
    text: object,
    annotations: Mapping[str, Any],
    fail: Callable[[str], NoReturn],
    *,
    primary: bool,
) -> Template:
    """The template that a text of a Meta means.

    Parameters:
        attribute: the key attribute.
        text: such as `ORDER#{order_id}`; a field's format may follow it, as in `{number:08d}`.
        annotations: the model's fields by attribute.
        fail: told what is wrong and how to mend it; raises.
        primary: whether it is a key of the table, which every item has.
    """
    where = f"the template of {attribute}"
    if not isinstance(text, str) or not text:
        fail(f"{where} is {text!r}: write it as text, such as 'ORDER#{{order_id}}'")
    parts: list[str | Slot] = []
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError as error:
        fail(
            f"{where}, {text!r}, cannot be read ({error}): a field stands in braces, as in "
            "'ORDER#{order_id}'"
        )
    banned = "".join(sorted({c for literal, *_ in pieces for c in literal if not c.isalnum()}))
    for literal, name, form, conversion in pieces:
        if literal:
            parts.append(literal)
        if name is None:
            continue
        if name not in annotations or conversion:
            fail(f"{where} names {name!r}, which is no field; the fields are {', '.join(annotations)}")
        parts.append(_slot(name, form or "", annotations[name], banned, where, fail))
    made = Template(attribute, tuple(parts))
    _refuse_what_is_ambiguous(made, where, fail)
    for slot in made.slots:
        if slot.optional and primary:
            fail(
                f"{where} names {slot.attribute}, which may be None, but every item needs this key: "
                "make it required"
            )
    return made


def _slot(
    name: str, form: str, annotation: Any, banned: str, where: str, fail: Callable[[str], NoReturn]
) -> Slot:
    kinds = list(plain_types(annotation))
    optional = type(None) in kinds
    kinds = [kind for kind in kinds if kind is not type(None)]
    if kinds and all(_is(kind, _FIXED) for kind in kinds) and not form:
        return Slot(name, fixed=len(set(kinds)) == 1, optional=optional)
    if kinds and all(_is(kind, (str, bool)) for kind in kinds) and not form:
        return Slot(name, optional=optional, banned=banned)
    if not kinds or not all(_is(kind, _NUMBERS) and not _is(kind, (bool,)) for kind in kinds):
        fail(
            f"{where} names {name} as {{{name}{form and ':' + form}}}, but {annotation} cannot be written so"
        )
    if form == "d" and all(_is(kind, (int,)) for kind in kinds):
        return Slot(name, decimals=0, optional=optional)
    match form.removesuffix("d").removesuffix("f").split("."):
        case [digits] if form.endswith("d") and _filled(digits):
            return Slot(name, int(digits), 0, fixed=True, optional=optional)
        case [digits, decimals] if form.endswith("f") and _filled(digits) and decimals.isdecimal():
            return Slot(name, int(digits), int(decimals), fixed=True, optional=optional)
        case _:
            return fail(f"{where} names {name}, a number: {_HOW % (name, name, name)}")


def _is(kind: Any, wanted: tuple[type, ...]) -> bool:
    return isinstance(kind, type) and issubclass(kind, wanted)


def _filled(digits: str) -> bool:
    return digits.startswith("0") and digits[1:].isdecimal()


def _refuse_what_is_ambiguous(template: Template, where: str, fail: Callable[[str], NoReturn]) -> None:
    for slot in template.slots:
        if template.fields.count(slot.attribute) > 1:
            fail(f"{where} names {slot.attribute} twice: once is enough")
    for part, following in zip(template.parts, template.parts[1:], strict=False):
        if not isinstance(part, Slot) or part.fixed:
            continue
        if isinstance(following, Slot):
            fail(
                f"{where} is ambiguous: nothing separates {part.attribute} from {following.attribute}; put a "
                "character such as '#' between them"
            )
        if following[0].isalnum() or (part.decimals is not None and following[0] == "-"):
            fail(
                f"{where} is ambiguous: {following!r} behind {part.attribute} could be a part of it; let it "
                "begin with a character such as '#'"
            )


def common(templates: list[Template]) -> Template | None:
    """What keys of several templates begin with in the same way; None where that is nothing."""
    first = templates[0]
    if all(other.parts == first.parts and not other.is_prefix for other in templates):
        return first
    shared: list[str | Slot] = []
    for parts in zip(*(template.parts for template in templates), strict=False):
        if all(part == parts[0] for part in parts):
            shared.append(parts[0])
            continue
        texts = [part for part in parts if isinstance(part, str)]
        if len(texts) == len(parts):
            length = next(
                (at for at, several in enumerate(zip(*texts, strict=False)) if len(set(several)) > 1), None
            )
            shared.append(texts[0][: min(map(len, texts)) if length is None else length])
        break
    parts = tuple(part for part in shared if part != "")
    return Template(first.attribute, parts, is_prefix=True) if parts else None


def may_be_equal(one: Template, other: Template) -> bool:
    """Whether two templates can give the same key."""
    a, b = _characters(one), _characters(other)
    seen: set[tuple[int, int]] = set()
    ahead = [(0, 0)]
    while ahead:
        at = ahead.pop()
        if at in seen:
            continue
        seen.add(at)
        i, j = at
        if i == len(a) and j == len(b):
            return True
        left, right = (a[i] if i < len(a) else None), (b[j] if j < len(b) else None)
        if isinstance(left, Slot):
            ahead.append((i + 1, j))
        if isinstance(right, Slot):
            ahead.append((i, j + 1))
        if isinstance(left, str) and isinstance(right, str) and left == right:
            ahead.append((i + 1, j + 1))
        if isinstance(left, str) and isinstance(right, Slot) and _takes(right, left):
            ahead.append((i + 1, j))
        if isinstance(left, Slot) and isinstance(right, str) and _takes(left, right):
            ahead.append((i, j + 1))
    return False


def _characters(template: Template) -> list[str | Slot]:
    return [piece for part in template.parts for piece in (part if isinstance(part, str) else [part])]


def _takes(slot: Slot, character: str) -> bool:
    if slot.decimals is not None:
        return character.isdecimal() or character in "-."
    if slot.fixed:
        return character in _IN_FIXED
    return character not in slot.banned
