//! Request validators: what a method's request must have, and what its body must be like.

use serde_json::json;

use crate::kit::{Answered, Api, text};

const ORDER: &str = r#"{"$schema": "http://json-schema.org/draft-04/schema#", "type": "object",
    "required": ["item"], "properties": {"item": {"type": "string", "minLength": 1},
    "count": {"type": "integer", "minimum": 1}}}"#;

async fn api(body: bool, parameters: bool) -> Api {
    let api = Api::new("orders").await;
    let model = json!({"name": "Order", "contentType": "application/json", "schema": ORDER});
    api.world.call("CreateModel", api.with(model)).await;
    let validator =
        json!({"name": "all", "validateRequestBody": body, "validateRequestParameters": parameters});
    let validator = api.world.call("CreateRequestValidator", api.with(validator)).await;
    let method = json!({
        "requestValidatorId": validator["id"],
        "requestModels": {"application/json": "Order"},
        "requestParameters": {
            "method.request.querystring.page": true,
            "method.request.header.X-Own": true,
            "method.request.querystring.optional": false,
        },
    });
    api.mock("POST", method, "fine").await;
    api.deploy().await;
    api
}

async fn post(api: &Api, query: &str, body: &str) -> Answered {
    let headers = [("content-type", "application/json"), ("x-own", "1")];
    api.world.send("POST", &api.url(&format!("/orders{query}")), &headers, body.to_owned()).await
}

#[tokio::test]
async fn a_body_that_is_not_as_its_model_says_is_refused() {
    let api = api(true, false).await;
    assert_eq!(post(&api, "", r#"{"item": "gloves", "count": 3}"#).await.body, "fine");
    for body in [r#"{"count": 3}"#, r#"{"item": ""}"#, r#"{"item": "a", "count": 0}"#, "[]", "no json"] {
        let answered = post(&api, "", body).await;
        assert_eq!(answered.refusal(), (400, "Invalid request body".to_owned()), "{body}");
        assert_eq!(answered.header("x-amzn-errortype"), "BadRequestException");
    }
}

#[tokio::test]
async fn a_required_parameter_that_is_missing_is_named() {
    let api = api(false, true).await;
    assert_eq!(post(&api, "?page=1", "no json").await.body, "fine");
    let missing = (400, "Missing required request parameters: [page]".to_owned());
    assert_eq!(post(&api, "", "{}").await.refusal(), missing);
    let answered = api.world.send("POST", &api.url("/orders"), &[], "{}").await;
    let (status, message) = answered.refusal();
    assert_eq!(status, 400);
    assert!(message.contains("page") && message.contains("X-Own"), "{message}");
}

#[tokio::test]
async fn models_refer_to_models_of_their_api() {
    let api = Api::new("orders").await;
    let item = json!({"name": "Item", "contentType": "application/json",
        "schema": r#"{"type": "string", "enum": ["gloves", "masks"]}"#});
    api.world.call("CreateModel", api.with(item)).await;
    let reference = format!("https://apigateway.amazonaws.com/restapis/{}/models/Item", api.id);
    let order =
        json!({"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": reference}}}});
    let order = json!({"name": "Order", "contentType": "application/json", "schema": order.to_string()});
    api.world.call("CreateModel", api.with(order)).await;
    let validator = json!({"name": "body", "validateRequestBody": true});
    let validator = api.world.call("CreateRequestValidator", api.with(validator)).await;
    let method =
        json!({"requestValidatorId": validator["id"], "requestModels": {"application/json": "Order"}});
    api.mock("POST", method, "fine").await;
    api.deploy().await;
    assert_eq!(post(&api, "", r#"{"items": ["gloves", "masks"]}"#).await.body, "fine");
    assert_eq!(post(&api, "", r#"{"items": ["gloves", "hats"]}"#).await.status, 400);
}

#[tokio::test]
async fn models_and_validators_are_checked_listed_and_kept_while_in_use() {
    let api = api(true, true).await;
    let world = &api.world;
    let bad = json!({"name": "Bad", "contentType": "application/json", "schema": "{"});
    let (code, message) = world.refused("CreateModel", api.with(bad)).await;
    assert_eq!(code, "BadRequestException");
    assert!(
        message.starts_with("Invalid model specified: Validation Result: warnings : [], errors : ["),
        "{message}"
    );
    let again = json!({"name": "Order", "contentType": "application/json", "schema": "{}"});
    assert_eq!(
        world.refused("CreateModel", api.with(again)).await,
        ("ConflictException".to_owned(), "Model name already exists for this REST API: Order".to_owned())
    );
    let listed = world.call("GetModels", api.with(json!({}))).await;
    let names: Vec<String> =
        listed["items"].as_array().unwrap().iter().map(|model| text(&model["name"])).collect();
    assert_eq!(names, ["Empty", "Error", "Order"]);
    let (code, message) = world.refused("DeleteModel", api.with(json!({"modelName": "Order"}))).await;
    assert_eq!(code, "ConflictException");
    assert_eq!(message, "Cannot delete model 'Order', is referenced in method request");
    assert_eq!(
        world.refused("GetModel", api.with(json!({"modelName": "None"}))).await,
        ("NotFoundException".to_owned(), "Invalid model name specified: None".to_owned())
    );
    let none = json!({"requestValidatorId": "none00"});
    assert_eq!(world.refused("GetRequestValidator", api.with(none)).await.0, "NotFoundException");
}
