//! A method that puts its body on a queue, without code in between.

use cloud::metrics::MetricKey;
use serde_json::json;

use crate::kit::{Answered, Api};

const QUEUE: &str = "http://127.0.0.1:4566/000000000000/orders";

/// As the console builds it: type AWS, service SQS, path override, the form's content type, and the mapping template.
async fn api(integration: serde_json::Value) -> Api {
    let api = Api::new("orders").await;
    api.world.ask("sqs", "CreateQueue", json!({"QueueName": "orders"})).await.unwrap();
    let base = json!({
        "type": "AWS",
        "integrationHttpMethod": "POST",
        "uri": "arn:aws:apigateway:us-east-1:sqs:path/000000000000/orders",
        "credentials": "arn:aws:iam::000000000000:role/APIGateway-SQS",
        "requestParameters": {
            "integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"
        },
        "requestTemplates": {"application/json": "Action=SendMessage&MessageBody=$input.body"},
        "passthroughBehavior": "NEVER",
    });
    let integration = crate::kit::merged(base, integration);
    api.method("POST", json!({}), integration, json!({"200": {}})).await;
    api.deploy().await;
    api
}

async fn bodies(api: &Api) -> Vec<String> {
    let input = json!({"QueueUrl": QUEUE, "MaxNumberOfMessages": 10});
    let received = api.world.ask("sqs", "ReceiveMessage", input).await.unwrap();
    let messages = received["Messages"].as_array().cloned().unwrap_or_default();
    messages.iter().map(|message| message["Body"].as_str().unwrap_or_default().to_owned()).collect()
}

fn message_id(answered: &Answered) -> String {
    let answer = answered.json();
    answer["SendMessageResponse"]["SendMessageResult"]["MessageId"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_post_puts_its_body_on_the_queue() {
    let api = api(json!({})).await;
    let order = r#"{"item": "latex gloves", "customerID": "12345"}"#;
    let answered = api.post("/orders", "application/json", order).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    assert!(answered.header("content-type").starts_with("application/json"));
    assert!(!message_id(&answered).is_empty(), "{answered:?}");
    assert!(answered.header("x-amzn-trace-id").starts_with("Root=1-"));
    assert_eq!(bodies(&api).await, [order]);
}

#[tokio::test]
async fn a_body_is_one_parameter_of_the_form_as_it_stands_unless_the_template_encodes_it() {
    let plain = api(json!({})).await;
    plain.post("/orders", "application/json", "a=1&MessageBody=b").await;
    let sent = bodies(&plain).await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_ne!(sent[0], "a=1&MessageBody=b");
    let template = "Action=SendMessage&MessageBody=$util.urlEncode($input.body)";
    let encoded = api(json!({"requestTemplates": {"application/json": template}})).await;
    encoded.post("/orders", "application/json", "a=1&MessageBody=b c+d").await;
    assert_eq!(bodies(&encoded).await, ["a=1&MessageBody=b c+d"]);
}

#[tokio::test]
async fn never_passes_a_body_through_that_no_template_is_for() {
    let api = api(json!({})).await;
    let answered = api.post("/orders", "application/xml", "<order/>").await;
    assert_eq!(answered.refusal(), (415, "Unsupported Media Type".to_owned()));
    assert_eq!(answered.header("x-amzn-errortype"), "UnsupportedMediaTypeException");
    assert!(bodies(&api).await.is_empty());
}

#[tokio::test]
async fn a_refusal_of_the_queue_does_not_look_accepted() {
    let api = api(json!({"uri": "arn:aws:apigateway:us-east-1:sqs:path/000000000000/none"})).await;
    let answered = api.post("/orders", "application/json", "{}").await;
    assert_eq!(answered.refusal(), (500, "Internal server error".to_owned()));
}

#[tokio::test]
async fn a_refusal_goes_to_the_response_whose_pattern_has_its_status() {
    let api = api(json!({"uri": "arn:aws:apigateway:us-east-1:sqs:path/000000000000/none"})).await;
    api.world.call("PutMethodResponse", api.at("POST", json!({"statusCode": "400"}))).await;
    let response = json!({"statusCode": "400", "selectionPattern": "4\\d{2}", "responseTemplates": {
        "application/json": r#"{"code": "$input.path('$.Error.Code')"}"#}});
    api.world.call("PutIntegrationResponse", api.at("POST", response)).await;
    api.deploy().await;
    let answered = api.post("/orders", "application/json", "{}").await;
    assert_eq!(answered.status, 400, "{answered:?}");
    assert!(answered.json()["code"].as_str().unwrap().contains("NonExistentQueue"), "{answered:?}");
}

#[tokio::test]
async fn an_action_takes_its_parameters_from_the_query_string() {
    let api = Api::new("orders").await;
    api.world.ask("sqs", "CreateQueue", json!({"QueueName": "orders"})).await.unwrap();
    let integration = json!({
        "type": "AWS",
        "integrationHttpMethod": "GET",
        "uri": "arn:aws:apigateway:us-east-1:sqs:action/ListQueues",
        "credentials": "arn:aws:iam::000000000000:role/APIGateway-SQS",
        "requestParameters": {"integration.request.querystring.QueueNamePrefix": "method.request.querystring.p"},
    });
    let method = json!({"requestParameters": {"method.request.querystring.p": false}});
    api.method("GET", method, integration, json!({"200": {}})).await;
    api.deploy().await;
    let found = api.get("/orders?p=ord", &[]).await;
    assert!(found.status == 200 && found.body.contains("/orders"), "{found:?}");
    let none = api.get("/orders?p=x", &[]).await;
    assert!(none.status == 200 && !none.body.contains("/orders"), "{none:?}");
}

#[tokio::test]
async fn calls_are_counted_under_the_names_of_the_api() {
    let api = api(json!({})).await;
    api.post("/orders", "application/json", "{}").await;
    api.post("/orders", "application/xml", "{}").await;
    let metrics = api.world.region.cloud.metrics();
    let sums = ["Count", "4XXError", "5XXError"].map(|name| {
        let points = metrics.points(&MetricKey::new("AWS/ApiGateway", name, &[("ApiName", "orders")]));
        (name, points.iter().map(|point| point.sum).sum::<f64>())
    });
    assert_eq!(sums, [("Count", 2.0), ("4XXError", 1.0), ("5XXError", 0.0)]);
}
