// Drives the region with the JavaScript SDK, version 3; says that it works, or ends with the error.
"use strict";
const assert = require("node:assert/strict");

const sqs = require("@aws-sdk/client-sqs");
const sns = require("@aws-sdk/client-sns");
const dynamodb = require("@aws-sdk/client-dynamodb");
const documents = require("@aws-sdk/lib-dynamodb");
const lambda = require("@aws-sdk/client-lambda");
const events = require("@aws-sdk/client-eventbridge");
const scheduler = require("@aws-sdk/client-scheduler");
const pipes = require("@aws-sdk/client-pipes");
const s3 = require("@aws-sdk/client-s3");

const [subject, name] = process.argv.slice(2);
const options = { maxAttempts: 1 };
const role = process.env.ROLE;

/** A queue that anybody in the region may send to. */
async function open(queueName) {
    const client = new sqs.SQSClient(options);
    const { QueueUrl } = await client.send(new sqs.CreateQueueCommand({ QueueName: queueName }));
    const known = await client.send(new sqs.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
    const arn = known.Attributes.QueueArn;
    const Statement = [{ Effect: "Allow", Principal: "*", Action: "sqs:SendMessage", Resource: arn }];
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await client.send(new sqs.SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
    const receive = async () => {
        const received = await client.send(new sqs.ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
        assert.equal(received.Messages?.length, 1);
        return received.Messages[0].Body;
    };
    const send = (MessageBody) => client.send(new sqs.SendMessageCommand({ QueueUrl, MessageBody }));
    return { arn, receive, send };
}

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
    async fanout() {
        const client = new sns.SNSClient(options);
        const { TopicArn } = await client.send(new sns.CreateTopicCommand({ Name: name }));
        const queue = await open(name);
        const Attributes = { RawMessageDelivery: "true", FilterPolicy: JSON.stringify({ kind: ["order"] }) };
        await client.send(new sns.SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint: queue.arn, Attributes }));
        const entry = (Id, StringValue) => ({
            Id, Message: `of kind ${StringValue}`, MessageAttributes: { kind: { DataType: "String", StringValue } },
        });
        const PublishBatchRequestEntries = [entry("a", "other"), entry("b", "order")];
        const told = await client.send(new sns.PublishBatchCommand({ TopicArn, PublishBatchRequestEntries }));
        assert.equal(told.Successful.length, 2);
        assert.equal(await queue.receive(), "of kind order");
    },
    async eventbridge() {
        const client = new events.EventBridgeClient(options);
        const queue = await open(name);
        const EventPattern = JSON.stringify({ source: ["shop"], detail: { price: [{ numeric: [">", 10] }] } });
        await client.send(new events.PutRuleCommand({ Name: name, EventPattern }));
        const InputTransformer = { InputPathsMap: { price: "$.detail.price" }, InputTemplate: '{"cost": <price>}' };
        const Targets = [{ Id: "q", Arn: queue.arn, InputTransformer }];
        const put = await client.send(new events.PutTargetsCommand({ Rule: name, Targets }));
        assert.equal(put.FailedEntryCount, 0);
        const entry = (price) => ({ Source: "shop", DetailType: "order", Detail: JSON.stringify({ price }) });
        const sent = await client.send(new events.PutEventsCommand({ Entries: [entry(5), entry(50)] }));
        assert.equal(sent.FailedEntryCount, 0);
        assert.equal(await queue.receive(), '{"cost": 50}');
        await assert.rejects(
            client.send(new events.DescribeRuleCommand({ Name: "nowhere" })), events.ResourceNotFoundException);
    },
    async scheduler() {
        const client = new scheduler.SchedulerClient(options);
        const queue = await open(name);
        const Target = { Arn: queue.arn, RoleArn: role, Input: "now" };
        const FlexibleTimeWindow = { Mode: "OFF" };
        const ScheduleExpression = "at(2020-01-01T00:00:00)";
        const schedule = { Name: name, Target, FlexibleTimeWindow, ScheduleExpression };
        const { ScheduleArn } = await client.send(new scheduler.CreateScheduleCommand(schedule));
        assert.match(ScheduleArn, /:schedule\/default\//);
        const known = await client.send(new scheduler.GetScheduleCommand({ Name: name }));
        assert.deepEqual([known.State, known.Target.Input], ["ENABLED", "now"]);
        await assert.rejects(client.send(new scheduler.CreateScheduleCommand(schedule)), scheduler.ConflictException);
        await client.send(new scheduler.DeleteScheduleCommand({ Name: name }));
        await assert.rejects(
            client.send(new scheduler.GetScheduleCommand({ Name: name })), scheduler.ResourceNotFoundException);
    },
    async pipes() {
        const client = new pipes.PipesClient(options);
        const [source, target] = [await open(`${name}-in`), await open(`${name}-out`)];
        const pipe = { Name: name, Source: source.arn, Target: target.arn, RoleArn: role };
        const TargetParameters = { InputTemplate: "order <$.body.id>" };
        await client.send(new pipes.CreatePipeCommand({ ...pipe, TargetParameters }));
        await source.send(JSON.stringify({ id: 7 }));
        assert.equal(await target.receive(), "order 7");
        await assert.rejects(client.send(new pipes.CreatePipeCommand(pipe)), pipes.ConflictException);
    },
    async s3() {
        const client = new s3.S3Client({ ...options, forcePathStyle: true });
        const Bucket = name;
        await client.send(new s3.CreateBucketCommand({ Bucket }));
        // The SDK sends and compares checksums of its own choice.
        await client.send(new s3.PutObjectCommand({ Bucket, Key: "a/✓", Body: "hello", Metadata: { kind: "text" } }));
        const found = await client.send(new s3.GetObjectCommand({ Bucket, Key: "a/✓" }));
        assert.deepEqual([await found.Body.transformToString(), found.Metadata.kind], ["hello", "text"]);
        const part = await client.send(new s3.GetObjectCommand({ Bucket, Key: "a/✓", Range: "bytes=1-3" }));
        assert.equal(await part.Body.transformToString(), "ell");
        const listed = await client.send(new s3.ListObjectsV2Command({ Bucket, Delimiter: "/" }));
        assert.deepEqual(listed.CommonPrefixes, [{ Prefix: "a/" }]);
        await assert.rejects(client.send(new s3.GetObjectCommand({ Bucket, Key: "gone" })), s3.NoSuchKey);
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
