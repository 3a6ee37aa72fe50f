// Drives the region with the JavaScript SDK, version 3; says that it works, or ends with the error.
"use strict";
const assert = require("node:assert/strict");

const sqs = require("@aws-sdk/client-sqs");
const sns = require("@aws-sdk/client-sns");
const dynamodb = require("@aws-sdk/client-dynamodb");
const documents = require("@aws-sdk/lib-dynamodb");
const lambda = require("@aws-sdk/client-lambda");

const [subject, name] = process.argv.slice(2);
const options = { maxAttempts: 1 };

const subjects = {
    async sqs() {
        const client = new sqs.SQSClient(options);
        const { QueueUrl } = await client.send(new sqs.CreateQueueCommand({ QueueName: name }));
        // The SDK compares the digests of body and attributes itself.
        const MessageAttributes = { kind: { DataType: "String", StringValue: "order" } };
        const outgoing = { QueueUrl, MessageBody: "hello ✓", MessageAttributes };
        const sent = await client.send(new sqs.SendMessageCommand(outgoing));
        const received = await client.send(
            new sqs.ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5, MessageAttributeNames: ["All"] }));
        assert.equal(received.Messages.length, 1);
        const [message] = received.Messages;
        assert.equal(message.Body, "hello ✓");
        assert.equal(message.MessageId, sent.MessageId);
        assert.equal(message.MessageAttributes.kind.StringValue, "order");
        await client.send(new sqs.DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
        await assert.rejects(client.send(new sqs.GetQueueUrlCommand({ QueueName: "nowhere" })), sqs.QueueDoesNotExist);
    },
    async sns() {
        const client = new sns.SNSClient(options);
        const { TopicArn } = await client.send(new sns.CreateTopicCommand({ Name: name }));
        const { MessageId } = await client.send(new sns.PublishCommand({ TopicArn, Message: "to all" }));
        assert.match(MessageId, /^[0-9a-f-]{36}$/);
        const { Attributes } = await client.send(new sns.GetTopicAttributesCommand({ TopicArn }));
        assert.equal(Attributes.TopicArn, TopicArn);
        await client.send(new sns.DeleteTopicCommand({ TopicArn }));
        await assert.rejects(client.send(new sns.PublishCommand({ TopicArn, Message: "m" })), sns.NotFoundException);
    },
    async dynamodb() {
        const client = new dynamodb.DynamoDBClient(options);
        const items = documents.DynamoDBDocumentClient.from(client);
        await client.send(new dynamodb.CreateTableCommand({
            TableName: name, BillingMode: "PAY_PER_REQUEST",
            AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
            KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
        }));
        await dynamodb.waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1 }, { TableName: name });
        const Item = {
            id: "1", text: "✓", number: 1.5, list: [1, { a: null }], set: new Set(["a", "b"]),
            bytes: new Uint8Array([0, 255]),
        };
        await items.send(new documents.PutCommand({ TableName: name, Item }));
        const found = await items.send(new documents.GetCommand({ TableName: name, Key: { id: "1" } }));
        assert.deepEqual({ ...found.Item, bytes: [...found.Item.bytes] }, { ...Item, bytes: [0, 255] });
        const ConditionExpression = "attribute_not_exists(id)";
        const again = new documents.PutCommand({ TableName: name, Item, ConditionExpression });
        await assert.rejects(items.send(again), dynamodb.ConditionalCheckFailedException);
        const page = await items.send(new documents.ScanCommand({ TableName: name }));
        assert.equal(page.Count, 1);
    },
    async lambda() {
        const client = new lambda.LambdaClient(options);
        const invoke = async (event) => {
            const Payload = JSON.stringify(event);
            const call = new lambda.InvokeCommand({ FunctionName: name, Payload, LogType: "Tail" });
            const answer = await client.send(call);
            return { ...answer, payload: JSON.parse(Buffer.from(answer.Payload).toString()) };
        };
        const answer = await invoke({ n: 41 });
        assert.equal(answer.FunctionError, undefined);
        assert.deepEqual(answer.payload, { n: 42 });
        assert.match(Buffer.from(answer.LogResult, "base64").toString(), /seen 41/);
        const failed = await invoke({});
        assert.equal(failed.FunctionError, "Unhandled");
        assert.equal(failed.payload.errorType, "Error");
        await assert.rejects(
            client.send(new lambda.InvokeCommand({ FunctionName: "nowhere" })), lambda.ResourceNotFoundException);
    },
    // A node function uses the SDK inside the region.
    async inside() {
        const client = new lambda.LambdaClient(options);
        const answer = await client.send(new lambda.InvokeCommand({ FunctionName: name, Payload: "{}" }));
        assert.equal(Buffer.from(answer.Payload).toString(), '"sent"');
    },
};

subjects[subject]().then(
    () => console.log(`${subject} works`),
    (error) => { console.error(error); process.exit(1); },
);
