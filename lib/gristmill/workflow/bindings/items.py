"""Tables of items: `dynamodb:getItem`, `putItem`, `updateItem`, `deleteItem`, `query`, `scan`.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gristmill.manager.ledger import Ledger, Transaction
from gristmill.manager.ledger.workflow_tables import local_items
from gristmill.workflow.bindings.calls import Answering, Call, Done
from gristmill.workflow.bindings.dynamo_expressions import Expression, ExpressionError, Item
from gristmill.workflow.bindings.once import once
from gristmill.workflow.bindings.sdk import need, refusal, told
from gristmill.workflow.values import Json


@dataclass(frozen=True)
class Table:
    """A table: its name, and the names of the attributes that its items are told apart by."""

    name: str
    keys: tuple[str, ...]


class Items(Answering):
    """Reads and writes the tables that are declared. A call that is repeated is done once."""

    def __init__(self, ledger: Ledger, tables: Mapping[str, Table]) -> None:
        self._ledger = ledger
        self._tables = tables

    def start(self, call: Call) -> Done:
        """Do what is asked."""
        do, needed = {
            "getItem": (_get, ("TableName", "Key")),
            "putItem": (_put, ("TableName", "Item")),
            "updateItem": (_update, ("TableName", "Key")),
            "deleteItem": (_delete, ("TableName", "Key")),
            "query": (_query, ("TableName",)),
            "scan": (_scan, ("TableName",)),
        }[call.resource.action]
        arguments = need(call.resource, call.arguments, *needed)
        table = self._tables.get(str(arguments["TableName"]).rpartition("/")[2])
        if table is None:
            raise refusal(
                call.resource, "ResourceNotFoundException", "Requested resource not found"
            )
        asked = _Asked(call, table, arguments)
        try:
            answer = once(self._ledger, call.key, lambda tx: do(tx, asked))
        except ExpressionError as error:
            raise refusal(
                call.resource, "AmazonDynamoDBException", str(error), code="ValidationException"
            ) from error
        return Done(told(call.resource, answer))


@dataclass(frozen=True)
class _Asked:
    call: Call
    table: Table
    arguments: Mapping[str, Any]

    def expression(self, name: str) -> Expression | None:
        """One of the expressions that came with it."""
        text = self.arguments.get(name)
        if text is None:
            return None
        names = self.arguments.get("ExpressionAttributeNames") or {}
        values = self.arguments.get("ExpressionAttributeValues") or {}
        return Expression(str(text), names, values)

    def key(self, item: Mapping[str, Json]) -> str:
        """What tells an item apart, as text."""
        missing = [name for name in self.table.keys if name not in item]
        if missing:
            raise ExpressionError("The provided key element does not match the schema")
        return json.dumps([item[name] for name in self.table.keys], sort_keys=True)

    def check(self, item: Item) -> None:
        """See that a condition holds. Raises `StatesError`."""
        condition = self.expression("ConditionExpression")
        if condition is not None and not condition.condition(item):
            raise refusal(
                self.call.resource,
                "ConditionalCheckFailedException",
                "The conditional request failed",
            )


def _read(tx: Transaction, asked: _Asked, key: str) -> Item | None:
    where = (local_items.c.table == asked.table.name, local_items.c.key == key)
    reading = sa.select(local_items.c.item).where(*where)
    found = tx.one(reading.with_for_update() if tx.is_postgresql else reading)
    return None if found is None else dict(found["item"])


def _write(tx: Transaction, asked: _Asked, key: str, item: Item) -> None:
    values = {"table": asked.table.name, "key": key, "item": item}
    inserted = tx.insert(local_items).values(values)
    index = [local_items.c.table, local_items.c.key]
    tx.run(inserted.on_conflict_do_update(index_elements=index, set_={"item": item}))


def _get(tx: Transaction, asked: _Asked) -> dict[str, Json]:
    item = _read(tx, asked, asked.key(asked.arguments["Key"]))
    return {} if item is None else {"Item": _projected(asked, item)}


def _projected(asked: _Asked, item: Item) -> Item:
    text = asked.arguments.get("ProjectionExpression")
    if not text:
        return item
    names = asked.arguments.get("ExpressionAttributeNames") or {}
    wanted = [names.get(one.strip(), one.strip()) for one in str(text).split(",")]
    return {name: item[name] for name in wanted if name in item}


def _put(tx: Transaction, asked: _Asked) -> dict[str, Json]:
    item = dict(asked.arguments["Item"])
    key = asked.key(item)
    before = _read(tx, asked, key)
    asked.check(before or {})
    _write(tx, asked, key, item)
    is_old = asked.arguments.get("ReturnValues") == "ALL_OLD"
    return {"Attributes": before} if is_old and before else {}


def _update(tx: Transaction, asked: _Asked) -> dict[str, Json]:
    key = asked.key(asked.arguments["Key"])
    before = _read(tx, asked, key)
    asked.check(before or {})
    item = dict(before or asked.arguments["Key"])
    expression = asked.expression("UpdateExpression")
    after, touched = (item, set()) if expression is None else expression.update(item)
    _write(tx, asked, key, after)
    told_ = {
        "ALL_OLD": before or {},
        "ALL_NEW": after,
        "UPDATED_OLD": {name: (before or {})[name] for name in touched if name in (before or {})},
        "UPDATED_NEW": {name: after[name] for name in touched if name in after},
    }.get(str(asked.arguments.get("ReturnValues", "NONE")))
    return {"Attributes": told_} if told_ else {}


def _delete(tx: Transaction, asked: _Asked) -> dict[str, Json]:
    key = asked.key(asked.arguments["Key"])
    before = _read(tx, asked, key)
    asked.check(before or {})
    where = (local_items.c.table == asked.table.name, local_items.c.key == key)
    tx.run(sa.delete(local_items).where(*where))
    is_old = asked.arguments.get("ReturnValues") == "ALL_OLD"
    return {"Attributes": before} if is_old and before else {}


def _query(tx: Transaction, asked: _Asked) -> dict[str, Json]:
    if asked.arguments.get("KeyConditionExpression") is None:
        raise ExpressionError(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified"
        )
    return _searched(tx, asked, lambda: asked.expression("KeyConditionExpression"))


def _scan(tx: Transaction, asked: _Asked) -> dict[str, Json]:
    return _searched(tx, asked, lambda: None)


def _searched(
    tx: Transaction, asked: _Asked, keyed: Callable[[], Expression | None]
) -> dict[str, Json]:
    reading = sa.select(local_items).where(local_items.c.table == asked.table.name)
    rows = tx.all(reading.order_by(local_items.c.key))
    found = []
    for row in rows:
        condition = keyed()
        if condition is None or condition.condition(row["item"]):
            found.append(row["item"])
    if asked.arguments.get("ScanIndexForward") is False:
        found.reverse()
    most = asked.arguments.get("Limit")
    scanned = found[: int(most)] if most else found
    kept = []
    for item in scanned:
        test = asked.expression("FilterExpression")
        if test is None or test.condition(item):
            kept.append(_projected(asked, item))
    return {"Items": kept, "Count": len(kept), "ScannedCount": len(scanned)}
