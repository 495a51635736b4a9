"""The query builder: steps that each give a new query, and what can be asked of one, written once.

Knows how a query is put together, planned and paged. Must not know how a face waits: `blocking` and
`awaiting` add that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Generic, Protocol, Self, TypeVar, overload

from msgspec import Struct
from msgspec.structs import replace
from pydantic import BaseModel

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.events import Observer
from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow, Page, Read, Send
from dynamodb_wrapper.exceptions import ItemNotFoundError, ValidationError
from dynamodb_wrapper.expressions import Condition, all_of
from dynamodb_wrapper.operations.expiry import not_expired
from dynamodb_wrapper.query.cost import Assumptions, Cost, Meter
from dynamodb_wrapper.query.courses import Course, course_of
from dynamodb_wrapper.query.explain import Explanation, explanation
from dynamodb_wrapper.query.made import of_its_type
from dynamodb_wrapper.query.pages import DEFAULT_SIZE, ResultPage, counted, page_of, steps_of
from dynamodb_wrapper.query.plan import Plan
from dynamodb_wrapper.query.planner import Wish, plan
from dynamodb_wrapper.query.selection import Shape, field_name, shape_of
from dynamodb_wrapper.query.spoken import Operator, condition_from, condition_given
from dynamodb_wrapper.schema import TableSchema, schema_of
from dynamodb_wrapper.validation import whole_number, yes_or_no

T = TypeVar("T")


class Boto3Condition(Protocol):
    """A condition of boto3's, such as `Attr("x").eq(1)`."""

    def get_expression(self) -> Any:
        """What boto3 says of it."""
        ...


class Client(Protocol):
    """What a query needs of a client."""

    config: DynamoDBConfig
    observers: Sequence[Observer]

    @property
    def send(self) -> Send:
        """Carries a call."""
        ...

    def table_name(self, model: type[BaseModel]) -> str:
        """The full name of a model's table."""
        ...


class Asked(Struct, frozen=True, kw_only=True):
    """What the steps of a query have said."""

    model: type[BaseModel]
    conditions: tuple[Condition, ...] = ()
    selected: tuple[str, ...] | None = None
    view: type[BaseModel] | None = None
    index: str | None = None
    forward: bool | None = None
    limit: int | None = None
    consistent: bool = False
    scan: bool | None = None
    expired: bool = False
    size: int | None = None
    last_key: str | None = None
    lifetime: timedelta | None = None


def asked_of(models: Sequence[type[BaseModel]]) -> Asked:
    """A query of models to which nothing has been added.

    Raises:
        MetaError: one is no model with a Meta, or they do not share a table.
    """
    if not models:
        raise ValidationError("query() needs a model", errors={"models": ["name one"]})
    for model in models:
        schema_of(model)
    if len(models) == 1:
        return Asked(model=models[0])
    from dynamodb_wrapper.schema.union import union_of

    return Asked(model=union_of(models))


class QuerySteps(Generic[T]):
    """A query of one model. Each step returns a new query; nothing is sent before the answer is asked for."""

    observers: Sequence[Observer]

    def __init__(self, client: Client, asked: Asked) -> None:
        self._client, self.observers = client, client.observers
        self._asked = asked
        self._meter = Meter()

    @overload
    def where(self, attribute: str, operator: Operator, /, *values: object) -> Self: ...
    @overload
    def where(
        self, condition: Condition | Boto3Condition | bool, /, *more: Condition | Boto3Condition | bool
    ) -> Self: ...
    def where(self, first: object, /, *rest: object) -> Self:
        """Ask for the items of which this holds too.

        Parameters:
            first: conditions, of this library or of boto3; or the name of a field (also a place in one, such
                as `address.city`), then an operator, then its values: none for `exists` and `missing`, two
                for `between`, one or a list for `in`.

        Raises:
            ValidationError: the field or the operator is not known, or it is no condition.
        """
        if isinstance(first, str):
            operator, values = (rest[0], rest[1:]) if rest else ("", ())
            added = [condition_from(self._schema, first, str(operator), values)]
        else:
            added = [condition_given(self._schema, given) for given in (first, *rest)]
        return self._with(conditions=(*self._asked.conditions, *added))

    def order(self, ascending: bool = True) -> Self:
        """Ask for the order of the sort key of what is queried; else it ascends where there is one.

        A scan has none, nor have alternatives that are read from different indexes: those are refused.

        Raises:
            ValidationError: it is neither True nor False, such as "desc".
        """
        meaning = "True for ascending or False for descending; the order is always that of the sort key"
        return self._with(forward=yes_or_no("order", ascending, meaning))

    def limit(self, items: int) -> Self:
        """Return at most so many items in all, however many pages they come in."""
        return self._with(limit=whole_number("limit", items))

    def paginate(
        self, size: int = DEFAULT_SIZE, last_key: str | None = None, *, lifetime: timedelta | None = None
    ) -> Self:
        """Let `execute()` return one page.

        Parameters:
            size: items a page, whatever conditions drop.
            last_key: the `next_key` or the `previous_key` of a page of the same query; the first page where
                it is None.
            lifetime: how long the keys of the page may be used; for ever where it is None.
        """
        return self._with(size=whole_number("size", size), last_key=last_key, lifetime=lifetime)

    def index(self, name: str) -> Self:
        """Use that index and no other; items without its key are then not found, as they are not in it.

        Raises:
            ValidationError: the model has no index of that name.
        """
        self._schema.index(name)
        return self._with(index=name)

    def consistent(self, latest: bool = True) -> Self:
        """Read what was last written, at twice the cost; not from global indexes."""
        return self._with(consistent=latest)

    def allow_scan(self, allowed: bool = True) -> Self:
        """Allow, or forbid, that the whole table is read and paid for where no index serves.

        Without this step `DynamoDBConfig.allow_scan` decides.
        """
        return self._with(scan=allowed)

    def include_expired(self) -> Self:
        """Return also items whose time (`Meta.ttl`) is over, which the service has not deleted yet."""
        return self._with(expired=True)

    def explain(self, assumptions: Assumptions | None = None) -> Explanation:
        """Say what the query will do and cost; nothing is sent.

        Parameters:
            assumptions: what the table is taken to be for the estimate, because it is not asked.
        """
        asked = self._asked
        wanted = asked.limit if asked.size is None else min(asked.size, asked.limit or asked.size)
        return explanation(self._plan(self._shape), self._table, assumptions or Assumptions(), wanted)

    @property
    def last_cost(self) -> Cost:
        """What the last execution of this very query cost; an iteration that goes on adds to it."""
        return self._meter.cost

    @method
    def execute(self) -> Flow[ResultPage[T]]:
        """Read one page: of `paginate`, else of up to 100 items, or of as many as `limit` says."""
        asked, course_for = self._asked, self._course
        identity = self._plan(self._shape, now=0).identity(self._table, self._shape.reader)
        result: ResultPage[T] = yield from page_of(
            course_for,
            self._client.config,
            identity,
            self._metered(),
            size=asked.size or asked.limit or DEFAULT_SIZE,
            limit=asked.limit,
            last_key=asked.last_key,
            lifetime=asked.lifetime,
        )
        return replace(result, cost=self._meter.cost)

    @method
    def first(self) -> Flow[T | None]:
        """The first item, or None where there is none."""
        course = self._course()
        items = (yield from course.take(course.start(), 1, self._metered())).items
        return items[0] if items else None

    @method
    def one(self) -> Flow[T]:
        """The only item.

        Raises:
            ItemNotFoundError: there is none.
            ValidationError: there are several.
        """
        course = self._course()
        items = (yield from course.take(course.start(), 2, self._metered())).items
        name = self._asked.model.__name__
        if not items:
            raise ItemNotFoundError(
                f"no {name} in table {self._table} fulfils the conditions", table_name=self._table, key={}
            )
        if len(items) > 1:
            raise ValidationError(
                f"more than one {name} in table {self._table} fulfils the conditions: add one, or use "
                "first()",
                context={"table": self._table},
            )
        return items[0]

    @method
    def all(self) -> Flow[list[T]]:
        """Every item, up to `limit`."""
        items = list[T]()
        step: Read[Page[T]] | None = self._steps(self._metered())
        while step is not None:
            page = yield from step.flow(self._client.send)
            items += page.items
            step = page.next
        return items

    @method
    def arrow(self, schema: Any = None) -> Flow[Any]:
        """Every item, up to `limit`, in one `pyarrow.Table`; no model is made.

        Parameters:
            schema: a `pyarrow.Schema` whose columns are named as attributes; by the class of the items where
                none is given (see `dynamodb_wrapper.wire.arrow_schema`).

        Raises:
            ValidationError: a value does not fit its column; tells the attribute and the item's key.
            ImportError: pyarrow is not installed: `pip install 'dynamodb-wrapper[arrow]'`.
        """
        from dynamodb_wrapper.query.columns import batches_of
        from dynamodb_wrapper.wire.arrow import ArrowReader
        from dynamodb_wrapper.wire.arrow_needed import pa
        from dynamodb_wrapper.wire.arrow_schema import arrow_schema

        keys, shape = self._schema.key_fields, self._shape
        reader = ArrowReader(arrow_schema(shape.reader.model, keys) if schema is None else schema, keys)
        plan, limit = self._plan(shape), self._asked.limit
        batches = yield from batches_of(plan, self._table, reader, limit, self._metered())
        return pa.Table.from_batches(batches, schema=reader.schema)

    @method
    def count(self) -> Flow[int]:
        """How many items there are, up to `limit`; they are read and paid for, but not sent if avoidable."""
        plan = self._plan(Shape(self._schema.codec, ()))
        return (yield from counted(plan, self._table, self._asked.limit, self._metered()))

    @property
    def _schema(self) -> TableSchema[Any]:
        return schema_of(self._asked.model)

    @property
    def _table(self) -> str:
        return self._client.table_name(self._asked.model)

    @property
    def _shape(self) -> Shape:
        return shape_of(self._asked.model, self._asked.selected, self._asked.view)

    def _with(self, **changes: Any) -> Self:
        return type(self)(self._client, replace(self._asked, **changes))

    def _selecting(self, fields: Sequence[object]) -> Asked:
        asked = self._asked
        names = tuple(dict.fromkeys(field_name(asked.model, field) for field in fields))
        shape_of(asked.model, names, asked.view)  # refuses unknown fields at once
        return replace(asked, selected=names)

    def _plan(self, shape: Shape, now: float | None = None) -> Plan:
        """The plan; `now` says which items are expired, this very moment where it is None."""
        asked = self._asked
        return plan(
            Wish(
                schema=self._schema,
                condition=all_of(*asked.conditions),
                attributes=shape.attributes,
                index=asked.index,
                consistent=asked.consistent,
                forward=asked.forward,
                scan=self._client.config.allow_scan if asked.scan is None else asked.scan,
                always=all_of(
                    of_its_type(self._schema), None if asked.expired else not_expired(self._schema, now)
                ),
            )
        )

    def _course(self, *, backward: bool = False) -> Course[T]:
        shape = self._shape
        return course_of(self._plan(shape), self._table, shape.reader, backward=backward)

    def _metered(self) -> Send:
        self._meter = Meter()
        return self._meter.metered(self._client.send)

    def _steps(self, send: Send) -> Read[Page[T]]:
        return steps_of(self._course(), self._asked.limit, send)
