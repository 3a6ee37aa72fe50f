#!/usr/bin/env bash
# Deploys the order pipeline with the AWS CLI, here or on AWS: the same as deploy.py, step by step.
#
#     HTTP client -> API Gateway -> SQS -> Lambda -> DynamoDB -> DynamoDB Streams -> Lambda -> SNS -> SQS and e-mail
#
# For an account that does not have it yet. Prints the API's URL and writes outputs.json.
set -euo pipefail
here=$(dirname "$0")
mail=${1:-sales@example.com}
outputs=${ORDERS_OUTPUTS:-outputs.json}
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-us-east-1}}
export AWS_PAGER=""

# Version 1 of the CLI does not take every service's endpoint from the environment.
aws() { command aws --region "$region" ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"; }
text() { aws "$@" --output text; }
account=$(text sts get-caller-identity --query Account)

# The queue that takes the orders, and the one for those that cannot be processed.
queue_arn() { text sqs get-queue-attributes --queue-url "$1" --attribute-names QueueArn --query Attributes.QueueArn; }
dead=$(text sqs create-queue --queue-name orders-dead --query QueueUrl)
redrive="{\\\"deadLetterTargetArn\\\":\\\"$(queue_arn "$dead")\\\",\\\"maxReceiveCount\\\":5}"
orders=$(text sqs create-queue --queue-name orders --query QueueUrl \
    --attributes "{\"VisibilityTimeout\":\"60\",\"RedrivePolicy\":\"$redrive\"}")
orders_arn=$(queue_arn "$orders")

# The table, with a stream of what happens to it.
aws dynamodb create-table --table-name Orders --billing-mode PAY_PER_REQUEST \
    --attribute-definitions AttributeName=orderId,AttributeType=S --key-schema AttributeName=orderId,KeyType=HASH \
    --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES >/dev/null
aws dynamodb wait table-exists --table-name Orders
table_arn=$(text dynamodb describe-table --table-name Orders --query Table.TableArn)
stream_arn=$(text dynamodb describe-table --table-name Orders --query Table.LatestStreamArn)

# The topic that announces orders, to a queue and by mail.
topic=$(text sns create-topic --name order-announcements --query TopicArn)
announced=$(text sqs create-queue --queue-name announced --query QueueUrl)
announced_arn=$(queue_arn "$announced")
policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},
    "Action":"sqs:SendMessage","Resource":"'$announced_arn'","Condition":{"ArnEquals":{"aws:SourceArn":"'$topic'"}}}]}'
aws sqs set-queue-attributes --queue-url "$announced" \
    --attributes "$(python3 -c 'import json, sys; print(json.dumps({"Policy": sys.argv[1]}))' "$policy")"
aws sns subscribe --topic-arn "$topic" --protocol sqs --notification-endpoint "$announced_arn" \
    --attributes RawMessageDelivery=true >/dev/null
aws sns subscribe --topic-arn "$topic" --protocol email --notification-endpoint "$mail" >/dev/null

# The functions, each with a role that may do what it does.
role() { # NAME SERVICE STATEMENTS
    text iam create-role --role-name "$1" --query Role.Arn --assume-role-policy-document \
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"'"$2"'"},"Action":"sts:AssumeRole"}]}'
    aws iam put-role-policy --role-name "$1" --policy-name work \
        --policy-document '{"Version":"2012-10-17","Statement":['"$3"']}'
}
allow() { echo '{"Effect":"Allow","Action":['"$1"'],"Resource":"'"$2"'"}'; }
logs=$(allow '"logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"' '*')
code=$(mktemp -d)/functions.zip
python3 -m zipfile -c "$code" "$here"/functions/*.py
deploy() { # NAME HANDLER VARIABLES STATEMENTS
    local role_arn
    role_arn=$(role "$1-role" lambda.amazonaws.com "$4,$logs")
    aws lambda create-function --function-name "$1" --runtime python3.12 --handler "$2" --role "$role_arn" \
        --zip-file "fileb://$code" --timeout 30 --memory-size 512 --environment "Variables={$3}" >/dev/null
    aws lambda wait function-active-v2 --function-name "$1"
}
deploy process-order process.handler TABLE=Orders "$(allow \
    '"sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes","sqs:ChangeMessageVisibility"' "$orders_arn"),$(allow \
    '"dynamodb:PutItem"' "$table_arn")"
deploy announce-order announce.handler "TOPIC=$topic" "$(allow \
    '"dynamodb:DescribeStream","dynamodb:GetRecords","dynamodb:GetShardIterator","dynamodb:ListStreams"' "$stream_arn"),$(allow \
    '"sns:Publish"' "$topic")"
aws lambda create-event-source-mapping --function-name process-order --event-source-arn "$orders_arn" \
    --batch-size 10 --function-response-types ReportBatchItemFailures >/dev/null
aws lambda create-event-source-mapping --function-name announce-order --event-source-arn "$stream_arn" \
    --batch-size 100 --starting-position TRIM_HORIZON --maximum-retry-attempts 10 \
    --bisect-batch-on-function-error >/dev/null

# The API: POST /orders puts the request's body on the queue, without a function in between.
api=$(text apigateway create-rest-api --name orders --query id)
root=$(text apigateway get-resources --rest-api-id "$api" --query 'items[0].id')
resource=$(text apigateway create-resource --rest-api-id "$api" --parent-id "$root" --path-part orders --query id)
method=(--rest-api-id "$api" --resource-id "$resource" --http-method POST)
aws apigateway put-method "${method[@]}" --authorization-type NONE >/dev/null
aws apigateway put-integration "${method[@]}" --type AWS --integration-http-method POST --passthrough-behavior NEVER \
    --credentials "$(role orders-api-role apigateway.amazonaws.com "$(allow '"sqs:SendMessage"' "$orders_arn")")" \
    --uri "arn:aws:apigateway:$region:sqs:path/$account/orders" \
    --request-parameters "{\"integration.request.header.Content-Type\":\"'application/x-www-form-urlencoded'\"}" \
    --request-templates '{"application/json":"Action=SendMessage&MessageBody=$input.body"}' >/dev/null
aws apigateway put-method-response "${method[@]}" --status-code 200 >/dev/null
aws apigateway put-integration-response "${method[@]}" --status-code 200 \
    --response-templates '{"application/json":"{\"status\": \"accepted\"}"}' >/dev/null
aws apigateway create-deployment --rest-api-id "$api" --stage-name prod >/dev/null

url=https://$api.execute-api.$region.amazonaws.com/prod/orders
[ -n "${AWS_ENDPOINT_URL:-}" ] && url=$AWS_ENDPOINT_URL/restapis/$api/prod/_user_request_/orders
cat > "$outputs" <<END
{"url": "$url", "queue_url": "$orders", "announced_url": "$announced", "topic_arn": "$topic", "table": "Orders"}
END
echo "$url"
