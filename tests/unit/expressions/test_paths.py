from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import AllOf, Assign, Compare, Exists, In, Not, Params, Path
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.expressions.paths import Computed, FieldPath, Operand, field_paths

NAMES = st.text(min_size=1).filter(lambda name: not set(name) & set(".[]"))
STEPS = st.tuples(NAMES, st.lists(NAMES | st.integers(0, 10**6))).map(lambda both: (both[0], *both[1]))


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("name", ("name",)),
        ("config.limits", ("config", "limits")),
        ("config.limits[0]", ("config", "limits", 0)),
        ("rows[2][13].price", ("rows", 2, 13, "price")),
        ("größe.with space", ("größe", "with space")),
        ("a-b.c:d#e", ("a-b", "c:d#e")),
    ],
)
def test_a_path_is_read_as_it_is_written(text: str, steps: tuple[str | int, ...]) -> None:
    assert Path.of(text) == Path(steps)
    assert str(Path(steps)) == text


@given(STEPS)
def test_every_path_is_read_back_from_its_text(steps: tuple[str | int, ...]) -> None:
    assert Path.of(str(Path(steps))) == Path(steps)


@given(st.text())
def test_any_text_is_a_path_or_a_clear_error(text: str) -> None:
    try:
        path = Path.of(text)
    except ValidationError:
        return
    assert str(path) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        ".a",
        "a.",
        "a..b",
        "[0]",
        "[0].a",
        "a[",
        "a]",
        "a[x]",
        "a[-1]",
        "a[]",
        "a[0]b",
        "a.[0]",
        "a[٣]",
    ],
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is no attribute path"):
        Path.of(text)


def test_a_path_stays_a_path() -> None:
    path = Path(("a.b",))
    assert Path.of(path) is path


def test_every_name_stands_behind_a_placeholder_so_that_reserved_words_are_no_matter() -> None:
    params = Params()
    assert Path.of("data[0].name.data").encode(params) == "#0[0].#1.#0"
    assert params.into({})["ExpressionAttributeNames"] == {"#0": "data", "#1": "name"}


def test_a_name_with_a_dot_is_one_step() -> None:
    params = Params()
    assert Path(("a.b", "c")).encode(params) == "#0.#1"
    assert params.into({})["ExpressionAttributeNames"] == {"#0": "a.b", "#1": "c"}


def test_it_tells_its_attribute_and_what_it_ends_at() -> None:
    whole, nested, element = Path.of("a"), Path.of("a.b"), Path.of("a.b[1]")
    assert [path.attribute for path in (whole, nested, element)] == ["a", "a", "a"]
    assert [path.is_whole for path in (whole, nested, element)] == [True, False, False]
    assert [path.is_element for path in (whole, nested, element)] == [False, False, True]
    assert not Path.of("a[1].b").is_element


class Order:
    """A class with fields."""


TEXT, FIELD = Path(("lines", 0)), FieldPath(("lines", 0), Order)


def test_a_path_of_a_field_is_equal_to_the_same_path_of_text() -> None:
    assert TEXT == FIELD
    assert FIELD == TEXT
    assert len({TEXT, FIELD, FieldPath(("lines", 0), int)}) == 1
    assert Path(("lines",)) != FIELD
    assert FIELD != ("lines", 0)
    assert Compare(FIELD, "=", 1) == Compare(TEXT, "=", 1)


def test_a_place_within_the_place_of_a_field_is_one_of_the_same_class() -> None:
    assert TEXT.within("sku", 1) == Path(("lines", 0, "sku", 1))
    assert type(TEXT.within("sku")) is Path
    (within,) = field_paths(FIELD.within("sku"))
    assert (within.steps, within.model) == (("lines", 0, "sku"), Order)


def test_a_path_of_a_field_leaves_its_class_behind_when_it_is_sent_to_another_process() -> None:
    class Local:
        pass

    sent = pickle.loads(pickle.dumps(Compare(FieldPath(("a",), Local), "=", 1)))
    assert sent == Compare(Path(("a",)), "=", 1)
    assert type(sent.path) is Path


def test_the_paths_of_fields_are_found_in_conditions_and_changes() -> None:
    computed = Computed(Operand(FIELD), "+", Wire({"N": "1"}))
    condition = AllOf((Compare(TEXT, "=", FIELD), Not(In(FIELD, (1, FIELD)))))
    assert list(field_paths((condition, Assign(TEXT, computed)))) == [FIELD] * 4
    assert list(field_paths(AllOf((Compare(TEXT, "=", 1), Exists(TEXT))))) == []
