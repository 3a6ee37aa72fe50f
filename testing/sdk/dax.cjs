// Drives a DAX cluster with the published JavaScript clients, of version 2 of the SDK and of version 3; says that it
// works, or ends with the error.
"use strict";
const assert = require("node:assert/strict");

const [version, subject, endpoint, table] = process.argv.slice(2);
const credentials = { accessKeyId: "test", secretAccessKey: "test" };
const options = { region: "us-east-1", credentials, maxRetries: 0, requestTimeout: 5000 };

/** The operations of a client as functions that return promises. */
function operations(client, names, call) {
    return Object.fromEntries(names.map((name) => [name, (input) => call(client, name, input)]));
}

const ITEMS = ["getItem", "putItem", "updateItem", "deleteItem", "query", "scan", "batchGetItem", "batchWriteItem",
    "transactGetItems", "transactWriteItems"];
const DOCUMENTS = ["get", "put", "update", "delete", "query", "scan", "batchGet", "batchWrite"];

/** A client of the version that is tried, and one of its documents. */
function open(more = {}) {
    if (version === "v3") {
        const { Dax } = require("@amazon-dax-sdk/client-dax");
        const { DaxDocument } = require("@amazon-dax-sdk/lib-dax");
        const call = (client, name, input) => client[name](input);
        const of = (Client) => new Client({ endpoint, ...options, ...more });
        const [client, document] = [of(Dax), of(DaxDocument)];
        const close = () => { client.shutdown(); document.shutdown(); };
        const set = (...members) => new Set(members);
        return { ...operations(client, ITEMS, call), documents: operations(document, DOCUMENTS, call), close, set };
    }
    const AWS = require("aws-sdk");
    const AmazonDaxClient = require("amazon-dax-client");
    const call = (client, name, input) => client[name](input).promise();
    const client = new AmazonDaxClient({ endpoints: [endpoint], ...options, ...more });
    const document = new AWS.DynamoDB.DocumentClient({ service: client });
    const set = (...members) => document.createSet(members);
    const close = () => client.shutdown();
    return { ...operations(client, ITEMS, call), documents: operations(document, DOCUMENTS, call), close, set };
}

const key = (number) => ({ pk: { S: "a" }, sk: { N: String(number) } });

const EVERYTHING = {
    text: { S: "häuser ✓" },
    empty: { S: "" },
    number: { N: "-12.5" },
    zero: { N: "0" },
    large: { N: "12345678901234567890" },
    bytes: { B: Buffer.from([0, 255]) },
    yes: { BOOL: true },
    nothing: { NULL: true },
    list: { L: [{ S: "x" }, { N: "1" }, { M: { deep: { S: "y" } } }] },
    map: { M: { inner: { L: [{ N: "2" }] } } },
    texts: { SS: ["a", "b"] },
    numbers: { NS: ["1", "2.5"] },
    blobs: { BS: [Buffer.from("a"), Buffer.from("b")] },
};

const named = (code) => (error) => {
    assert.equal(error.code ?? error.name, code, String(error));
    return true;
};

const subjects = {
    async items(dax) {
        const Item = { ...key(1), ...EVERYTHING };
        await dax.putItem({ TableName: table, Item });
        assert.deepEqual((await dax.getItem({ TableName: table, Key: key(1) })).Item, Item);
        const read = await dax.getItem({ TableName: table, Key: key(1), ConsistentRead: true });
        assert.deepEqual(read.Item, Item);
        assert.equal((await dax.getItem({ TableName: table, Key: key(2) })).Item, undefined);
        const part = { TableName: table, Key: key(1), ProjectionExpression: "#l[2].deep, yes, gone",
            ExpressionAttributeNames: { "#l": "list" } };
        const expected = { list: { L: [{ M: { deep: { S: "y" } } }] }, yes: { BOOL: true } };
        assert.deepEqual((await dax.getItem(part)).Item, expected);
        const old = await dax.putItem({ TableName: table, Item: key(1), ReturnValues: "ALL_OLD" });
        assert.deepEqual(old.Attributes, Item);
        const gone = await dax.deleteItem({ TableName: table, Key: key(1), ReturnValues: "ALL_OLD" });
        assert.deepEqual(gone.Attributes, key(1));
        assert.equal((await dax.getItem({ TableName: table, Key: key(1) })).Item, undefined);
    },
    async updates(dax) {
        await dax.putItem({ TableName: table, Item: { ...key(1), count: { N: "1" }, list: { L: [{ S: "a" }] } } });
        const update = {
            TableName: table, Key: key(1), ReturnValues: "ALL_NEW",
            UpdateExpression: "SET #c = #c + :one, other = if_not_exists(other, :one), #l = list_append(#l, :more) "
                + "REMOVE gone ADD tags :tags",
            ConditionExpression: "attribute_exists(pk) AND (#c = :one OR #c > :ten) AND NOT begins_with(pk, :z) "
                + "AND size(#l) < :ten AND attribute_type(#l, :kind)",
            ExpressionAttributeNames: { "#c": "count", "#l": "list" },
            ExpressionAttributeValues: {
                ":one": { N: "1" }, ":ten": { N: "10" }, ":z": { S: "z" }, ":more": { L: [{ S: "b" }] },
                ":tags": { SS: ["t"] }, ":kind": { S: "L" },
            },
        };
        const expected = {
            ...key(1), count: { N: "2" }, other: { N: "1" }, list: { L: [{ S: "a" }, { S: "b" }] }, tags: { SS: ["t"] },
        };
        assert.deepEqual((await dax.updateItem(update)).Attributes, expected);
        assert.deepEqual((await dax.getItem({ TableName: table, Key: key(1) })).Item, expected);
        const one = { TableName: table, Key: key(1), UpdateExpression: "SET other = :two", ReturnValues: "UPDATED_NEW",
            ExpressionAttributeValues: { ":two": { N: "2" } } };
        assert.deepEqual((await dax.updateItem(one)).Attributes, { other: { N: "2" } });
        assert.deepEqual((await dax.updateItem({ ...one, ReturnValues: "UPDATED_OLD" })).Attributes, { other: { N: "2" } });
        assert.equal((await dax.updateItem({ ...one, ReturnValues: "NONE" })).Attributes, undefined);
        const never = { TableName: table, Item: key(1), ConditionExpression: "attribute_not_exists(pk)" };
        await assert.rejects(dax.putItem(never), named("ConditionalCheckFailedException"));
        const neither = { TableName: table, Key: key(1), ConditionExpression: "#c IN (:a, :b)",
            ExpressionAttributeNames: { "#c": "count" }, ExpressionAttributeValues: { ":a": { N: "7" }, ":b": { N: "8" } } };
        await assert.rejects(dax.deleteItem(neither), named("ConditionalCheckFailedException"));
        // Of before there were expressions.
        const legacy = { TableName: table, Key: key(1), ReturnValues: "ALL_NEW",
            AttributeUpdates: { other: { Action: "PUT", Value: { S: "new" } }, count: { Action: "ADD", Value: { N: "5" } } },
            Expected: { count: { ComparisonOperator: "EQ", AttributeValueList: [{ N: "2" }] } } };
        const changed = (await dax.updateItem(legacy)).Attributes;
        assert.deepEqual([changed.other, changed.count], [{ S: "new" }, { N: "7" }]);
        await assert.rejects(dax.updateItem(legacy), named("ConditionalCheckFailedException"));
    },
    async reads(dax) {
        for (let number = 0; number < 5; number += 1) {
            const inner = { L: [{ S: "zero" }, { N: String(number) }] };
            const owner = { S: number < 3 ? "me" : "you" };
            await dax.putItem({ TableName: table, Item: { ...key(number), odd: { BOOL: number % 2 === 1 }, inner, owner } });
        }
        const query = {
            TableName: table, KeyConditionExpression: "pk = :a AND sk BETWEEN :one AND :four", Limit: 3,
            ExpressionAttributeValues: { ":a": { S: "a" }, ":one": { N: "1" }, ":four": { N: "4" } },
        };
        const first = await dax.query(query);
        assert.deepEqual(first.Items.map((item) => item.sk.N), ["1", "2", "3"]);
        assert.deepEqual(first.Items[0].inner, { L: [{ S: "zero" }, { N: "1" }] });
        assert.deepEqual([first.Count, first.ScannedCount, first.LastEvaluatedKey], [3, 3, key(3)]);
        const rest = await dax.query({ ...query, ExclusiveStartKey: first.LastEvaluatedKey });
        assert.deepEqual(rest.Items.map((item) => item.sk.N), ["4"]);
        assert.equal(rest.LastEvaluatedKey, undefined);
        assert.deepEqual(await dax.query(query), first);
        const filtered = await dax.query({
            TableName: table, KeyConditionExpression: "pk = :a", ScanIndexForward: false,
            FilterExpression: "odd = :yes AND inner[1] IN (:one, :two)", ProjectionExpression: "sk, #i[1]",
            ExpressionAttributeNames: { "#i": "inner" },
            ExpressionAttributeValues: {
                ":a": { S: "a" }, ":yes": { BOOL: true }, ":one": { N: "1" }, ":two": { N: "2" },
            },
        });
        assert.deepEqual(filtered.Items, [{ sk: { N: "1" }, inner: { L: [{ N: "1" }] } }]);
        const index = {
            TableName: table, IndexName: "by-owner", KeyConditionExpression: "#o = :me", Limit: 2,
            ExpressionAttributeNames: { "#o": "owner" }, ExpressionAttributeValues: { ":me": { S: "me" } },
        };
        const owned = await dax.query(index);
        assert.deepEqual(owned.Items.map((item) => item.owner.S), ["me", "me"]);
        assert.deepEqual(Object.keys(owned.LastEvaluatedKey).sort(), ["owner", "pk", "sk"]);
        const others = await dax.query({ ...index, ExclusiveStartKey: owned.LastEvaluatedKey });
        assert.equal(others.Count, 1);
        assert.equal((await dax.scan({ TableName: table, Select: "COUNT" })).Count, 5);
        await dax.putItem({ TableName: table, Item: key(9) });
        assert.equal((await dax.scan({ TableName: table, Select: "COUNT" })).Count, 6);
        assert.equal((await dax.scan({ TableName: table })).Items.length, 6);
        const halves = await Promise.all([0, 1].map(
            (Segment) => dax.scan({ TableName: table, Segment, TotalSegments: 2 })));
        assert.equal(halves[0].Count + halves[1].Count, 6);
        const legacy = { TableName: table,
            KeyConditions: {
                pk: { ComparisonOperator: "EQ", AttributeValueList: [{ S: "a" }] },
                sk: { ComparisonOperator: "GE", AttributeValueList: [{ N: "3" }] },
            },
            QueryFilter: { odd: { ComparisonOperator: "EQ", AttributeValueList: [{ BOOL: true }] } },
            AttributesToGet: ["sk"] };
        assert.deepEqual((await dax.query(legacy)).Items, [{ sk: { N: "3" } }]);
    },
    async batches(dax) {
        const put = (number) => ({ PutRequest: { Item: { ...key(number), v: { S: String(number) } } } });
        const written = await dax.batchWriteItem({ RequestItems: { [table]: [...Array(10).keys()].map(put) } });
        assert.deepEqual(written.UnprocessedItems, {});
        await dax.batchWriteItem({ RequestItems: { [table]: [{ DeleteRequest: { Key: key(0) } }] } });
        const values = async (request) => {
            const read = await dax.batchGetItem({ RequestItems: { [table]: request } });
            assert.deepEqual(read.UnprocessedKeys, {});
            return read.Responses[table].map((item) => item.v.S).sort().join("");
        };
        for (let round = 0; round < 2; round += 1) {
            assert.equal(await values({ Keys: [...Array(12).keys()].map(key) }), "123456789");
        }
        assert.equal(await values({ Keys: [key(1), key(2)], ProjectionExpression: "v" }), "12");
        assert.equal(await values({ Keys: [key(1), key(5)], ConsistentRead: true }), "15");
    },
    async transactions(dax) {
        const TableName = table;
        const puts = [1, 2].map((n) => ({ Put: { TableName, Item: { ...key(n), v: { N: String(n) } } } }));
        await dax.transactWriteItems({ TransactItems: puts });
        const update = { TableName, Key: key(1), UpdateExpression: "SET v = v + :ten",
            ExpressionAttributeValues: { ":ten": { N: "10" } } };
        await dax.transactWriteItems({ TransactItems: [{ Update: update }, { Delete: { TableName, Key: key(2) } }] });
        const gets = [
            { Get: { TableName, Key: key(1) } }, { Get: { TableName, Key: key(2) } },
            { Get: { TableName, Key: key(3), ProjectionExpression: "v.n[1]" } },
        ];
        await dax.putItem({ TableName, Item: { ...key(3), v: { M: { n: { L: [{ N: "0" }, { N: "7" }] } } } } });
        const read = await dax.transactGetItems({ TransactItems: gets });
        const part = { v: { M: { n: { L: [{ N: "7" }] } } } };
        assert.deepEqual(read.Responses, [{ Item: { ...key(1), v: { N: "11" } } }, {}, { Item: part }]);
        const check = { TableName, Key: key(1), ConditionExpression: "v = :one",
            ExpressionAttributeValues: { ":one": { N: "1" } }, ReturnValuesOnConditionCheckFailure: "ALL_OLD" };
        const doomed = [{ ConditionCheck: check }, { Delete: { TableName, Key: key(2) } }];
        await assert.rejects(dax.transactWriteItems({ TransactItems: doomed }), (error) => {
            named("TransactionCanceledException")(error);
            const reasons = error.cancellationReasons ?? error.CancellationReasons;
            assert.equal(reasons.length, 2);
            assert.equal(reasons[0].Code, "ConditionalCheckFailed");
            assert.deepEqual(reasons[0].Item.v, { N: "11" });
            assert.equal(reasons[1].Code, "None");
            return true;
        });
    },
    async capacities(dax) {
        const more = { TableName: table, ReturnConsumedCapacity: "INDEXES" };
        const put = await dax.putItem({ ...more, Item: key(1) });
        assert.deepEqual([put.ConsumedCapacity.TableName, put.ConsumedCapacity.CapacityUnits], [table, 1]);
        const read = await dax.getItem({ ...more, Key: key(1) });
        assert.equal(read.ConsumedCapacity.CapacityUnits, 0);
        const page = await dax.query({ ...more, KeyConditionExpression: "pk = :a",
            ExpressionAttributeValues: { ":a": { S: "a" } } });
        assert.equal(page.ConsumedCapacity.CapacityUnits, 0.5);
        const write = { Put: { TableName: table, Item: key(2) } };
        const total = { TransactItems: [write], ReturnConsumedCapacity: "TOTAL" };
        const written = await dax.transactWriteItems(total);
        assert.equal(written.ConsumedCapacity[0].CapacityUnits, 2);
    },
    async documents({ documents, set }) {
        const Item = { pk: "a", sk: 1, text: "✓", number: 1.5, list: [1, { a: null }], tags: set("a", "b") };
        await documents.put({ TableName: table, Item });
        const found = (await documents.get({ TableName: table, Key: { pk: "a", sk: 1 } })).Item;
        assert.deepEqual(JSON.parse(JSON.stringify(found)), JSON.parse(JSON.stringify(Item)));
        const updated = await documents.update({ TableName: table, Key: { pk: "a", sk: 1 }, ReturnValues: "UPDATED_NEW",
            UpdateExpression: "SET #n = #n + :half", ExpressionAttributeNames: { "#n": "number" },
            ExpressionAttributeValues: { ":half": 0.5 } });
        assert.deepEqual(updated.Attributes, { number: 2 });
        const page = await documents.query({ TableName: table, KeyConditionExpression: "pk = :a",
            ExpressionAttributeValues: { ":a": "a" } });
        assert.deepEqual(page.Items.map((item) => item.number), [2]);
    },
    async errors(dax) {
        const missing = { TableName: "no-such-table", Key: key(1) };
        await assert.rejects(dax.getItem(missing), named("ResourceNotFoundException"));
        const wrong = { TableName: table, Key: key(1), UpdateExpression: "SET pk = :x",
            ExpressionAttributeValues: { ":x": { S: "x" } } };
        await assert.rejects(dax.updateItem(wrong), named("ValidationException"));
        const broken = { TableName: table, Key: key(1), ConditionExpression: "pk =" };
        await assert.rejects(dax.deleteItem(broken), named("ValidationException"));
        const big = { ...key(1), v: { B: Buffer.alloc(410 << 10) } };
        await assert.rejects(dax.putItem({ TableName: table, Item: big }), named("ValidationException"));
        // The connection is good for more.
        await dax.putItem({ TableName: table, Item: { ...key(1), v: { B: Buffer.alloc(390 << 10, 7) } } });
        const found = (await dax.getItem({ TableName: table, Key: key(1) })).Item;
        assert.equal(found.v.B.length, 390 << 10);
    },
    async crowds(dax) {
        const numbers = [...Array(200).keys()];
        await Promise.all(numbers.map(
            (n) => dax.putItem({ TableName: table, Item: { ...key(n), v: { N: String(n) } } })));
        const found = await Promise.all(numbers.map((n) => dax.getItem({ TableName: table, Key: key(n) })));
        assert.deepEqual(found.map(({ Item }) => Item.v.N), numbers.map(String));
    },
};

const dax = open(endpoint.startsWith("daxs:") ? { skipHostnameVerification: true } : {});
subjects[subject](dax).then(
    () => { console.log(`${subject} works`); dax.close(); },
    (error) => { console.error(error); process.exit(1); },
);
