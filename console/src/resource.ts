/** Resources by their ARNs: which node of the picture an ARN belongs to, and what to call it. */

import type { Edge } from "./api.ts";

export interface Resource {
  /** The ARN of the resource itself, without streams, versions, subscriptions or paths below it; or `client`. */
  id: string;
  /** The service part of the ARN. */
  kind: string;
  label: string;
  /** What kind of thing it is, in words. */
  noun: string;
  /** Drawn only on request: what holds an architecture together without being a part of its flow. */
  isSupporting: boolean;
}

const NOUNS: Record<string, string> = {
  client: "Outside the region",
  email: "Mailbox",
  sqs: "SQS queue",
  lambda: "Lambda function",
  dynamodb: "DynamoDB table",
  sns: "SNS topic",
  "execute-api": "API Gateway stage",
  apigateway: "API Gateway API",
  s3: "S3 bucket",
  logs: "Log group",
  iam: "IAM",
  sts: "STS",
  events: "Event bus",
  scheduler: "Schedule",
  pipes: "Pipe",
  dax: "DAX cluster",
  "application-autoscaling": "Scalable target",
  glacier: "Glacier vault",
  states: "State machine",
  kinesis: "Kinesis stream",
  kms: "KMS key",
  secretsmanager: "Secret",
  ssm: "Parameter",
};

const SUPPORTING = new Set(["iam", "sts", "logs", "apigateway", "kms", "secretsmanager", "ssm", "glacier", "dax", "application-autoscaling"]);

export function resource(end: string): Resource {
  if (end === "client") return named("client", "client", "Clients");
  if (end.startsWith("mailto:")) return named(end, "email", end.slice("mailto:".length));
  const parts = end.split(":");
  if (parts[0] !== "arn" || parts.length < 6) return named(end, parts[0] || "other", end);
  const kind = parts[2] || "other";
  const prefix = parts.slice(0, 5).join(":");
  const rest = parts.slice(5);
  const [id, label] = owner(kind, rest);
  const found = named(`${prefix}:${id}`, kind, label || kind);
  if (kind === "lambda" && rest[0] !== "function") return { ...found, noun: "Event source", isSupporting: true };
  return found;
}

function named(id: string, kind: string, label: string): Resource {
  return { id, kind, label, noun: NOUNS[kind] ?? kind, isSupporting: SUPPORTING.has(kind) };
}

/** The resource part of an ARN that names the whole, and its label. */
function owner(kind: string, rest: string[]): [id: string, label: string] {
  const path = rest.join(":").split("/");
  const [first = "", second = ""] = path;
  switch (kind) {
    case "lambda": // function:NAME:ALIAS
      return [rest.slice(0, 2).join(":"), rest[1] ?? first];
    case "sns": // TOPIC:SUBSCRIPTION
      return [rest[0] ?? "", rest[0] ?? ""];
    case "dynamodb": // table/NAME/stream/LABEL
      return [`${first}/${second}`, second];
    case "execute-api": // API/STAGE/METHOD/PATH
      return [path.slice(0, 2).join("/"), path.slice(0, 2).join("/")];
    case "s3": // BUCKET/KEY
      return [first, first];
    case "events": { // event-bus/BUS, and rule/BUS/RULE, which works for its bus
      const bus = first === "rule" ? path.slice(1, -1).join("/") || "default" : path.slice(1).join("/");
      return first === "rule" || first === "event-bus" ? [`event-bus/${bus}`, bus] : [rest.join(":"), second || first];
    }
    case "apigateway": // /restapis/API/resources/...
      return [path.slice(0, 3).join("/"), path[2] ?? first];
    case "logs": // log-group:NAME:log-stream:NAME
      return [rest.slice(0, 2).join(":"), rest[1] ?? first];
    default: {
      const whole = rest.join(":");
      return [whole, whole.split(/[:/]/).pop() ?? whole];
    }
  }
}

/** Operations that carry an architecture's data, by service. Other calls set things up or look at them. */
const CARRYING: Record<string, RegExp> = {
  sqs: /^(Send|Receive|Delete|ChangeVisibility)Message|^ChangeMessageVisibility|^StartMessageMoveTask/,
  sns: /^Publish/,
  lambda: /invo(ke|cation)/i,
  dynamodb: /Item|^Query|^Scan|^Transact|Statement|^GetRecords/,
  s3: /Object|Part|MultipartUpload/,
  events: /^PutEvents/,
};
const SETTING_UP = /^(Create|Delete|Describe|List|Put|Set|Get|Update|Tag|Untag|Add|Remove|Attach|Detach|Subscribe|Unsubscribe)/;

export function carriesData(operation: string): boolean {
  const [service = "", name = ""] = operation.split(":");
  const carrying = CARRYING[service];
  return carrying ? carrying.test(name) : service === "execute-api" || !SETTING_UP.test(name);
}

/** A call by which a resource fetches its input: what flows goes the other way. */
export function fetchesInput({ from, operation }: Pick<Edge, "from" | "operation">): boolean {
  if (from === "client") return false;
  return /^sqs:(?!Send)|^dynamodb:(GetRecords|GetShardIterator|DescribeStream|ListStreams)$|^kinesis:Get/.test(operation);
}
