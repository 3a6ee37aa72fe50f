/** The kinds of resources that the region lists: what they are called, where they stand, how the first one is made. */

export interface Kind {
  /** As the region calls it. */
  id: string;
  /** Of the list. */
  title: string;
  group: string;
  /** Whose icon and colour it has. */
  icon: string;
  /** The command that makes the first one. */
  create: string;
}

const k = (group: string, id: string, title: string, create: string, icon = id): Kind => ({ id, title, group, icon, create });

export const KINDS: readonly Kind[] = [
  k("Front", "apigateway", "REST APIs", "aws apigateway create-rest-api --name shop"),
  k("Compute", "lambda", "Functions", "aws lambda create-function --function-name hello --runtime python3.12 \\\n    --handler index.handler --role arn:aws:iam::000000000000:role/hello --zip-file fileb://hello.zip"),
  k("Messages", "sqs", "Queues", "aws sqs create-queue --queue-name orders"),
  k("Messages", "sns", "Topics", "aws sns create-topic --name announcements"),
  k("Messages", "events", "Event buses", "aws events create-event-bus --name shop"),
  k("Messages", "scheduler", "Schedules", "aws scheduler create-schedule --name nightly --schedule-expression 'rate(1 day)' \\\n    --flexible-time-window Mode=OFF --target Arn=QUEUE_ARN,RoleArn=ROLE_ARN"),
  k("Messages", "pipes", "Pipes", "aws pipes create-pipe --name move --source QUEUE_ARN --target TOPIC_ARN --role-arn ROLE_ARN"),
  k("Data", "dynamodb", "Tables", "aws dynamodb create-table --table-name Orders --billing-mode PAY_PER_REQUEST \\\n    --attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH"),
  k("Data", "application-autoscaling", "Scalable targets", "aws application-autoscaling register-scalable-target --service-namespace dynamodb \\\n    --resource-id table/Orders --scalable-dimension dynamodb:table:WriteCapacityUnits \\\n    --min-capacity 5 --max-capacity 100"),
  k("Data", "dax", "DAX clusters", "aws dax create-cluster --cluster-name fast --node-type dax.t3.small \\\n    --replication-factor 1 --iam-role-arn ROLE_ARN"),
  k("Data", "s3", "Buckets", "aws s3 mb s3://pictures"),
  k("Data", "glacier", "Vaults", "aws glacier create-vault --account-id - --vault-name attic"),
  k("Insight", "logs", "Log groups", "aws logs create-log-group --log-group-name /shop/app"),
  k("Security", "kms", "Keys", "aws kms create-key --description 'for orders'"),
  k("Security", "secretsmanager", "Secrets", "aws secretsmanager create-secret --name shop/password --secret-string VALUE"),
  k("Security", "ssm", "Parameters", "aws ssm put-parameter --name /shop/limit --type String --value 10"),
  k("Security", "iam-roles", "Roles", "aws iam create-role --role-name worker --assume-role-policy-document file://trust.json", "iam"),
  k("Security", "iam-users", "Users", "aws iam create-user --user-name ada", "iam"),
  k("Security", "iam-groups", "Groups", "aws iam create-group --group-name staff", "iam"),
  k("Security", "iam-policies", "Policies", "aws iam create-policy --policy-name queues --policy-document file://policy.json", "iam"),
];

export function kindNamed(id: string): Kind | undefined {
  return KINDS.find((kind) => kind.id === id);
}

/** The list that a resource stands in; nothing for ARNs of what is not listed. */
export function kindOf(arn: string): Kind | undefined {
  const parts = arn.split(":");
  const service = parts[2] ?? "";
  const first = parts.slice(5).join(":").split(/[/:]/)[0] ?? "";
  if (service === "iam") return kindNamed({ role: "iam-roles", user: "iam-users", group: "iam-groups", policy: "iam-policies" }[first] ?? "");
  return kindNamed(service === "execute-api" ? "apigateway" : service);
}

/** Whether the console can show what an ARN names. AWS's own policies belong to no account, and have no page. */
export function canOpen(arn: string): boolean {
  return arn.startsWith("arn:aws:") && kindOf(arn) !== undefined && arn.split(":")[4] !== "aws";
}
