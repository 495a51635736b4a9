"""Which calls the planner chooses, read from the explanation; nothing is sent."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from dynamodb_wrapper import AsyncDynamoDB, DynamoDB, DynamoDBConfig
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import AllOf, AnyOf, Between, Compare, In, Missing, Not, Path
from dynamodb_wrapper.expressions.conditions import Expression
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.query.explain import Explanation
from dynamodb_wrapper.schema import GSI, LSI


class Order(DynamoDBModel):
    customer: str
    number: int
    status: str
    total: int
    paid: bool = False
    region: str | None = None
    city: str | None = None
    note: str | None = None

    class Meta:
        table_name = "orders"
        partition_key = "customer"
        sort_key = "number"
        lsis: ClassVar = [LSI("ByTotal", "total", "KEYS_ONLY")]
        gsis: ClassVar = [
            GSI("ByStatus", "status", "total"),
            GSI("ByStatusSlim", "status", "number", ["note"]),
            GSI("ByPaid", "paid", "number"),
            GSI("ByPlace", ["region", "city"], ["total", "number"]),
        ]


class Sparse(DynamoDBModel):
    id: str
    kind: str
    size: int | None = None

    class Meta:
        table_name = "sparse"
        partition_key = "id"
        gsis: ClassVar = [GSI("BySize", "kind", "size")]


class Parcel(DynamoDBModel):
    id: str
    state: str
    depot: str | None = None

    class Meta:
        table_name = "depots"
        partition_key = "id"
        templates: ClassVar = {"gsi1pk": "STATE#{state}", "gsi1sk": "{state}#{depot}"}
        gsis: ClassVar = [GSI("ByState", "gsi1pk", "gsi1sk")]


CUSTOMER, NUMBER, STATUS, TOTAL = (Path((name,)) for name in ("customer", "number", "status", "total"))
REGION, CITY, NOTE, PAID = (Path((name,)) for name in ("region", "city", "note", "paid"))


def refuse(*_: Any) -> bytes:
    raise AssertionError("an explanation sends nothing")


def query(model: type[DynamoDBModel] = Order) -> Any:
    config = DynamoDBConfig(region_name="us-east-1", table_prefix="t_")
    return DynamoDB(config, transport=refuse).query(model)


def plan(*conditions: Any, **steps: Any) -> Explanation:
    asked = query().where(*conditions) if conditions else query()
    for step, arguments in steps.items():
        asked = getattr(asked, step)(*arguments)
    explanation: Explanation = asked.explain()
    return explanation


def at(customer: str = "c", number: int = 1) -> Any:
    return Compare(CUSTOMER, "=", customer) & Compare(NUMBER, "=", number)


class TestOperations:
    def test_a_full_key_is_a_get(self) -> None:
        found = plan(at())
        assert (found.operation, found.keys) == ("get", ("customer = 'c' AND number = 1",))

    def test_full_keys_are_a_batch_get_sorted_by_the_sort_key_without_repeats(self) -> None:
        found = plan(Compare(CUSTOMER, "=", "c"), In(NUMBER, (3, 1, 3)))
        assert (found.operation, [key[-1] for key in found.keys]) == ("batch-get", ["1", "3"])
        back = plan(Compare(CUSTOMER, "=", "c"), In(NUMBER, (3, 1)), order=(False,))
        assert [key[-1] for key in back.keys] == ["3", "1"]

    def test_other_conditions_on_a_full_key_are_judged_here(self) -> None:
        found = plan(at(), Compare(NOTE, "=", "x"))
        assert (found.operation, found.checked) == ("get", "note = 'x'")

    def test_text_conditions_on_a_full_key_make_it_a_query(self) -> None:
        found = plan(at(), Expression("note = :n", {}, {":n": 1}))
        assert (found.operation, found.filter) == ("query", "(note = 1)")

    def test_a_partition_key_is_a_query(self) -> None:
        found = plan(Compare(CUSTOMER, "=", "c"))
        assert (found.operation, found.index, found.order) == ("query", None, "number, ascending")

    def test_partition_keys_are_a_fan_out_in_the_order_of_the_sort_key(self) -> None:
        found = plan(In(CUSTOMER, ("a", "b", "a")))
        assert (found.operation, found.keys) == ("fan-out", ("customer = 'a'", "customer = 'b'"))
        assert found.order == "number, ascending"

    def test_an_or_over_keys_is_a_fan_out_with_a_filter_of_its_own_each(self) -> None:
        either = AnyOf(
            (AllOf((Compare(CUSTOMER, "=", "a"), Compare(NOTE, "=", "x"))), at("b") & Missing(NOTE))
        )
        found = plan(either)
        assert found.keys == ("customer = 'a'", "customer = 'b' AND number = 1")
        assert found.filter == "note = 'x'; attribute_not_exists(note)"

    def test_what_cannot_hold_reads_nothing(self) -> None:
        assert plan(Compare(CUSTOMER, "=", "a"), Compare(CUSTOMER, "=", "b")).operation == "nothing"
        assert plan(Compare(CUSTOMER, "=", "")).operation == "nothing"
        assert plan(Between(NOTE, "b", "a")).operation == "nothing"
        both = (Compare(CUSTOMER, "=", "a"), Compare(NUMBER, ">", 3), Compare(NUMBER, "<", 3))
        assert plan(*both).operation == "nothing"

    def test_a_hundred_queries_are_the_most(self) -> None:
        many = [f"c{number}" for number in range(101)]
        assert len(plan(In(CUSTOMER, tuple(many[:100]))).keys) == 100
        with pytest.raises(ValidationError, match="allow_scan"):
            plan(In(CUSTOMER, tuple(many)))

    def test_a_hundred_queries_are_the_most_of_all_alternatives_together(self) -> None:
        def either(count: int) -> Any:
            few = tuple(f"x{number}" for number in range(count))
            return In(CUSTOMER, few) | In(STATUS, few)

        assert len(plan(either(50)).keys) == 100
        with pytest.raises(ValidationError, match="allow_scan"):
            plan(either(51))

    def test_any_number_of_full_keys_may_be_asked_for(self) -> None:
        found = plan(Compare(CUSTOMER, "=", "c"), In(NUMBER, tuple(range(5000))))
        assert (found.operation, len(found.keys)) == ("batch-get", 5000)


class TestRanges:
    @pytest.mark.parametrize(
        ("conditions", "key", "checked"),
        [
            ([Compare(NUMBER, ">", 3)], "number > 3", None),
            ([Compare(NUMBER, ">", 3), Compare(NUMBER, ">=", 2)], "number > 3", None),
            ([Compare(NUMBER, ">=", 3), Compare(NUMBER, "<=", 9)], "number BETWEEN 3 AND 9", None),
            ([Compare(NUMBER, ">=", 3), Compare(NUMBER, "<", 9)], "number BETWEEN 3 AND 9", "number < 9"),
            ([Between(NUMBER, 1, 9), Compare(NUMBER, "<", 5)], "number BETWEEN 1 AND 5", "number < 5"),
            ([Compare(NUMBER, "<>", 3)], None, "number <> 3"),
            ([Not(Compare(NUMBER, "<", 3))], None, "NOT number < 3"),
            ([Compare(NUMBER, "<", TOTAL)], None, "number < total"),
        ],
    )
    def test_one_range_goes_into_the_key_condition_and_the_rest_is_judged_here(
        self, conditions: Any, key: str | None, checked: str | None
    ) -> None:
        found = plan(Compare(CUSTOMER, "=", "c"), *conditions)
        assert found.keys == (" AND ".join(filter(None, ["customer = 'c'", key])),)
        assert (found.checked, found.filter) == (checked, None)

    def test_an_or_over_ranges_is_a_fan_out(self) -> None:
        either = AnyOf((Compare(NUMBER, "<", 2), Compare(NUMBER, ">", 8)))
        found = plan(Compare(CUSTOMER, "=", "c"), either)
        assert found.keys == ("customer = 'c' AND number < 2", "customer = 'c' AND number > 8")

    def test_an_or_over_a_key_and_something_else_is_judged_here(self) -> None:
        either = AnyOf((Compare(NUMBER, "<", 2), Compare(NOTE, "=", "x")))
        found = plan(Compare(CUSTOMER, "=", "c"), either)
        assert (found.operation, found.checked) == ("query", "(number < 2 OR note = 'x')")

    def test_a_flag_in_a_key_is_asked_for_as_it_is_stored(self) -> None:
        found = query().where("paid", "=", True).explain()
        assert (found.index, found.keys) == ("ByPaid", ("paid = 'true'",))


class TestIndexes:
    def test_the_narrowest_range_wins(self) -> None:
        found = plan(Compare(STATUS, "=", "open"), Compare(TOTAL, ">", 5))
        assert found.index == "ByStatus"

    def test_an_index_that_has_everything_beats_a_narrower_one(self) -> None:
        found = plan(Compare(STATUS, "=", "open"), Compare(NUMBER, "=", 5))
        assert (found.index, found.filter, found.fetched) == ("ByStatus", "number = 5", False)

    def test_what_is_selected_decides_whether_an_index_has_everything(self) -> None:
        found = plan(Compare(STATUS, "=", "open"), Compare(NUMBER, "=", 5), select=("note",))
        assert (found.index, found.fetched) == ("ByStatusSlim", False)

    def test_an_index_that_lacks_attributes_is_completed_from_the_table(self) -> None:
        found = plan(Compare(STATUS, "=", "open"), index=("ByStatusSlim",))
        assert (found.fetched, found.projection) == (True, None)
        local = plan(Compare(CUSTOMER, "=", "c"), Compare(TOTAL, "<", 5), index=("ByTotal",))
        assert (local.index, local.fetched) == ("ByTotal", True)

    def test_a_filter_on_what_the_index_lacks_is_judged_on_the_item(self) -> None:
        found = plan(
            Compare(STATUS, "=", "open"), Compare(PAID, "=", True), index=("ByStatusSlim",), select=("note",)
        )
        assert (found.filter, found.fetched) == (None, True)

    def test_an_index_that_may_lack_items_is_not_chosen(self) -> None:
        place = (Compare(REGION, "=", "eu"), Compare(CITY, "=", "Oslo"))
        assert plan(*place).index == "ByPlace"
        assert query(Sparse).where("kind", "=", "x").where("size", ">", 1).explain().index == "BySize"
        with pytest.raises(ValidationError, match="allow_scan"):
            query(Sparse).where("kind", "=", "x").explain()
        with pytest.raises(ValidationError, match="allow_scan"):
            query(Sparse).where("kind", "=", "x").where("size", "!=", 1).explain()
        assert query(Sparse).where("kind", "=", "x").index("BySize").explain().index == "BySize"
        with pytest.raises(ValidationError, match="allow_scan"):
            plan(Compare(REGION, "=", "eu"))

    def test_several_key_attributes_are_bound_from_the_left(self) -> None:
        place = (Compare(REGION, "=", "eu"), Compare(CITY, "=", "Oslo"))
        ranged = plan(*place, Compare(TOTAL, ">", 5), Compare(NUMBER, ">", 1))
        assert ranged.keys == ("region = 'eu' AND city = 'Oslo' AND total > 5",)
        assert ranged.checked == "number > 1"
        bound = plan(*place, Compare(TOTAL, "=", 5), Compare(NUMBER, ">", 1))
        assert bound.keys == ("region = 'eu' AND city = 'Oslo' AND total = 5 AND number > 1",)
        loose = plan(*place, Compare(NUMBER, ">", 1))
        assert (loose.keys, loose.checked) == (("region = 'eu' AND city = 'Oslo'",), "number > 1")

    def test_consistent_reads_leave_global_indexes_out(self) -> None:
        assert plan(Compare(CUSTOMER, "=", "c"), Compare(TOTAL, "=", 1), consistent=()).index in (
            None,
            "ByTotal",
        )
        with pytest.raises(ValidationError, match="allow_scan"):
            plan(Compare(STATUS, "=", "open"), consistent=())

    def test_alternatives_may_use_different_indexes(self) -> None:
        found = plan(AnyOf((Compare(STATUS, "=", "open"), Compare(CUSTOMER, "=", "c"))))
        assert (found.operation, found.indexes) == ("fan-out", ("ByStatus", None))
        assert found.order == "one query after the other"
        assert found.checked == "what an earlier query returned does not come again"


class TestWhatStandsInTheWay:
    """A query that would be a scan although there is an index for it says why, and not to add an index."""

    def test_a_consistent_read_of_a_global_index(self) -> None:
        with pytest.raises(
            ValidationError, match="cannot be read consistently: leave out consistent"
        ) as caught:
            plan(Compare(STATUS, "=", "open"), consistent=())
        assert caught.value.context["meta"] is None

    def test_an_index_that_was_named(self) -> None:
        with pytest.raises(
            ValidationError, match="may use ByPaid only: give a value for paid, leave out index"
        ):
            plan(Compare(STATUS, "=", "open"), index=("ByPaid",))

    def test_too_many_values(self) -> None:
        many = In(STATUS, tuple(map(str, range(150))))
        with pytest.raises(
            ValidationError, match=r"150 queries of ByStatus, more .* at most 100 values at a time"
        ):
            plan(many)


class TestScans:
    def test_alternatives_get_an_index_each(self) -> None:
        either = AnyOf((Compare(NOTE, "=", "x"), Compare(CITY, "=", "Oslo"), Compare(STATUS, "=", "open")))
        with pytest.raises(ValidationError) as caught:
            plan(either)
        found = query(pasted(caught.value.context["meta"])).where(either).explain()
        assert found.indexes == ("ByNote", "ByCity", "ByStatus")

    def test_an_allowed_scan_filters_on_everything(self) -> None:
        found = plan(Compare(NUMBER, ">", 3), Missing(NOTE), allow_scan=())
        assert (found.operation, found.order) == ("scan", None)
        assert found.filter == "number > 3 AND attribute_not_exists(note)"

    def test_a_sparse_index_may_be_scanned_by_name(self) -> None:
        found = plan(index=("ByPlace",), allow_scan=())
        assert (found.operation, found.index) == ("scan", "ByPlace")


def pasted(text: str) -> type[DynamoDBModel]:
    """A model with the suggested lines in its Meta."""
    names: dict[str, Any] = {"GSI": GSI, "Order": Order}
    exec(f"class Pasted(Order):\n    class Meta(Order.Meta):\n{text}", names)
    model: type[DynamoDBModel] = names["Pasted"]
    return model


def test_both_faces_explain_alike() -> None:
    config = DynamoDBConfig(region_name="us-east-1", table_prefix="t_")
    twin = AsyncDynamoDB(config, transport=refuse).query(Order).where("customer", "=", "c")  # type: ignore[arg-type]
    assert twin.explain() == plan(Compare(CUSTOMER, "=", "c"))


def test_a_range_of_a_made_key_does_not_mean_that_every_item_has_the_key() -> None:
    new = query(Parcel).where(Compare(Path(("state",)), "=", "new"))
    assert new.allow_scan().explain().operation == "scan"
    here = new.where(Compare(Path(("depot",)), ">", "a"))
    assert (here.explain().operation, here.explain().index) == ("query", "ByState")
    assert new.index("ByState").explain().operation == "query"
