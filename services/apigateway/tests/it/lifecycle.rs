//! APIs with their resources, methods and integrations: made, told, changed, and gone.

use serde_json::json;

use crate::kit::{Api, World, patch, text};

#[tokio::test]
async fn an_api_begins_with_its_root_and_is_told_as_it_was_made() {
    let world = World::start();
    let input = json!({"name": "orders", "description": "of the shop", "version": "1",
        "endpointConfiguration": {"types": ["REGIONAL"]}, "tags": {"team": "a"},
        "binaryMediaTypes": ["image/png"], "minimumCompressionSize": 100});
    let made = world.call("CreateRestApi", input).await;
    let id = text(&made["id"]);
    assert_eq!(id.len(), 10);
    assert_eq!(made["endpointConfiguration"]["types"], json!(["REGIONAL"]));
    assert_eq!(
        (&made["apiKeySource"], &made["disableExecuteApiEndpoint"]),
        (&json!("HEADER"), &json!(false))
    );
    assert_eq!(world.call("GetRestApi", json!({"restApiId": id})).await, made);
    let listed = world.call("GetRestApis", json!({})).await;
    assert_eq!(listed["items"], json!([made]));
    let resources = world.call("GetResources", json!({"restApiId": id})).await;
    assert_eq!(resources["items"], json!([{"id": made["rootResourceId"], "path": "/"}]));
    world.call("DeleteRestApi", json!({"restApiId": id})).await;
    let (code, message) = world.refused("GetRestApi", json!({"restApiId": id})).await;
    assert_eq!(code, "NotFoundException");
    assert_eq!(message, format!("Invalid API identifier specified 000000000000:{id}"));
}

#[tokio::test]
async fn apis_are_listed_in_pages() {
    let world = World::start();
    for index in 0..5 {
        world.call("CreateRestApi", json!({"name": format!("api-{index}")})).await;
    }
    let mut found = 0;
    let mut position = json!(null);
    loop {
        let page = world.call("GetRestApis", json!({"limit": 2, "position": position})).await;
        found += page["items"].as_array().map_or(0, Vec::len);
        position = page["position"].clone();
        if position.is_null() {
            break;
        }
    }
    assert_eq!(found, 5);
}

#[tokio::test]
async fn an_api_made_of_another_has_its_resources_and_not_its_stages() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    api.deploy().await;
    let made = api.world.call("CreateRestApi", json!({"name": "copy", "cloneFrom": api.id})).await;
    assert_ne!(made["id"], json!(api.id));
    let resources =
        api.world.call("GetResources", json!({"restApiId": made["id"], "embed": ["methods"]})).await;
    assert!(resources.to_string().contains("MOCK"), "{resources}");
    let stages = api.world.call("GetStages", json!({"restApiId": made["id"]})).await;
    assert_eq!(stages["item"], json!([]));
}

#[tokio::test]
async fn paths_of_resources_follow_their_parents() {
    let api = Api::new("orders").await;
    let world = &api.world;
    let below = json!({"parentId": api.resource, "pathPart": "{id}"});
    let below = world.call("CreateResource", api.with(below)).await;
    assert_eq!((&below["path"], &below["parentId"]), (&json!("/orders/{id}"), &json!(api.resource)));
    let operations = json!([patch("replace", "/pathPart", "items")]);
    let input = api.with(json!({"resourceId": api.resource, "patchOperations": operations}));
    assert_eq!(world.call("UpdateResource", input).await["path"], "/items");
    let told = world.call("GetResource", api.with(json!({"resourceId": below["id"]}))).await;
    assert_eq!(told["path"], "/items/{id}");
    world.call("DeleteResource", api.with(json!({"resourceId": api.resource}))).await;
    let (code, message) = world.refused("GetResource", api.with(json!({"resourceId": below["id"]}))).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("NotFoundException", "Invalid Resource identifier specified")
    );
}

#[tokio::test]
async fn parts_of_paths_that_cannot_be_are_refused() {
    let api = Api::new("{id}").await;
    for (part, code, said) in [
        ("{id}", "ConflictException", "Another resource with the same parent already has this name: {id}"),
        (
            "{other}",
            "BadRequestException",
            "A sibling ({id}) of this resource already has a variable path part",
        ),
        ("a b", "BadRequestException", "Resource's path part only allow"),
        ("", "BadRequestException", ""),
    ] {
        let input = api.with(json!({"parentId": api.root, "pathPart": part}));
        let (refused, message) = api.world.refused("CreateResource", input).await;
        assert!(refused == code && message.starts_with(said), "{part}: {refused} {message}");
    }
    let greedy = json!({"parentId": api.resource, "pathPart": "{proxy+}"});
    let greedy = api.world.call("CreateResource", api.with(greedy)).await;
    let input = api.with(json!({"parentId": greedy["id"], "pathPart": "more"}));
    let (_, message) = api.world.refused("CreateResource", input).await;
    assert_eq!(message, "Cannot create a child of a resource with a greedy path variable: /{id}/{proxy+}");
    let (_, message) = api.world.refused("DeleteResource", api.with(json!({"resourceId": api.root}))).await;
    assert_eq!(message, "Root resource cannot be deleted");
}

#[tokio::test]
async fn a_method_is_told_with_its_integration_and_their_responses() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({"operationName": "ListOrders"}), "fine").await;
    let world = &api.world;
    let method = world.call("GetMethod", api.at("GET", json!({}))).await;
    assert_eq!((&method["httpMethod"], &method["operationName"]), (&json!("GET"), &json!("ListOrders")));
    assert_eq!((&method["apiKeyRequired"], &method["authorizationType"]), (&json!(false), &json!("NONE")));
    let integration = &method["methodIntegration"];
    assert_eq!((&integration["type"], &integration["timeoutInMillis"]), (&json!("MOCK"), &json!(29_000)));
    assert_eq!(integration["passthroughBehavior"], "WHEN_NO_MATCH");
    assert_eq!(integration["cacheNamespace"], json!(api.resource));
    let templates = json!({"application/json": "fine"});
    assert_eq!(integration["integrationResponses"]["200"]["responseTemplates"], templates);
    assert_eq!(world.call("GetIntegration", api.at("GET", json!({}))).await, *integration);
    let again = world.refused("PutMethod", api.at("GET", json!({"authorizationType": "NONE"}))).await;
    assert_eq!(again, ("ConflictException".to_owned(), "Method already exists for this resource".to_owned()));
    let status = json!({"statusCode": "200"});
    world.call("DeleteIntegrationResponse", api.at("GET", status.clone())).await;
    world.call("DeleteMethodResponse", api.at("GET", status.clone())).await;
    assert_eq!(
        world.refused("GetMethodResponse", api.at("GET", status)).await,
        ("NotFoundException".to_owned(), "Invalid Response status code specified".to_owned())
    );
    world.call("DeleteIntegration", api.at("GET", json!({}))).await;
    assert_eq!(
        world.refused("GetIntegration", api.at("GET", json!({}))).await,
        ("NotFoundException".to_owned(), "Invalid Integration identifier specified".to_owned())
    );
    world.call("DeleteMethod", api.at("GET", json!({}))).await;
    assert_eq!(
        world.refused("GetMethod", api.at("GET", json!({}))).await,
        ("NotFoundException".to_owned(), "Invalid Method identifier specified".to_owned())
    );
}

#[tokio::test]
async fn what_an_integration_cannot_be_is_refused_in_words() {
    let api = Api::new("orders").await;
    let world = &api.world;
    world.call("PutMethod", api.at("GET", json!({"authorizationType": "NONE"}))).await;
    for (integration, said) in [
        (json!({"type": "AWS"}), "Enumeration value for HttpMethod must be non-empty"),
        (
            json!({"type": "AWS", "integrationHttpMethod": "POST", "uri": "no-arn"}),
            "Invalid ARN specified in the request",
        ),
        (
            json!({"type": "HTTP", "integrationHttpMethod": "GET", "uri": "ftp://a"}),
            "Invalid HTTP endpoint specified for URI",
        ),
        (json!({"type": "MOCK", "timeoutInMillis": 40}), "Timeout should be between 50 ms and 29000 ms"),
        (
            json!({"type": "MOCK", "requestParameters": {"integration.request.body.x": "'a'"}}),
            "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping",
        ),
        (
            json!({"type": "MOCK", "requestTemplates": {"application/json": "#if("}}),
            "Invalid mapping template specified",
        ),
    ] {
        let shown = integration.to_string();
        let (code, message) = world.refused("PutIntegration", api.at("GET", integration)).await;
        assert!(code == "BadRequestException" && message.starts_with(said), "{shown}: {message}");
    }
    let response = json!({"statusCode": "200", "responseParameters": {"method.response.header.X": "'a'"}});
    world.call("PutIntegration", api.at("GET", json!({"type": "MOCK"}))).await;
    let (code, message) = world.refused("PutIntegrationResponse", api.at("GET", response)).await;
    assert!(code == "BadRequestException" && message.contains("Invalid mapping expression"), "{message}");
}

#[tokio::test]
async fn what_is_not_here_is_refused_by_name() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    let id = api.deploy().await;
    let cached = json!({"stageName": "cached", "deploymentId": id, "cacheClusterEnabled": true});
    let (code, message) = api.world.refused("CreateStage", api.with(cached)).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("NotImplemented", "Caching of responses is not implemented in Brume yet.")
    );
    let linked = json!({"type": "HTTP_PROXY", "integrationHttpMethod": "GET", "uri": "http://a.test",
        "connectionType": "VPC_LINK", "connectionId": "abc"});
    assert_eq!(api.world.refused("PutIntegration", api.at("GET", linked)).await.0, "NotImplemented");
}

#[tokio::test]
async fn tags_are_put_on_apis_and_stages() {
    let api = Api::new("orders").await;
    api.mock("GET", json!({}), "fine").await;
    api.deploy().await;
    for arn in [
        format!("arn:aws:apigateway:us-east-1::/restapis/{}", api.id),
        format!("arn:aws:apigateway:us-east-1::/restapis/{}/stages/prod", api.id),
    ] {
        let world = &api.world;
        world.call("TagResource", json!({"resourceArn": arn, "tags": {"a": "1", "b": "2"}})).await;
        world.call("UntagResource", json!({"resourceArn": arn, "tagKeys": ["a"]})).await;
        let told = world.call("GetTags", json!({"resourceArn": arn})).await;
        assert_eq!(told["tags"], json!({"b": "2"}), "{arn}");
    }
}

#[tokio::test]
async fn documentation_is_kept_in_parts_and_versions() {
    let api = Api::new("orders").await;
    let world = &api.world;
    let part = json!({"location": {"type": "METHOD", "path": "/orders", "method": "GET"},
        "properties": r#"{"summary": "lists orders"}"#});
    let part = world.call("CreateDocumentationPart", api.with(part)).await;
    let version = json!({"documentationVersion": "1", "description": "first"});
    world.call("CreateDocumentationVersion", api.with(version.clone())).await;
    assert_eq!(world.refused("CreateDocumentationVersion", api.with(version)).await.0, "ConflictException");
    let listed = world.call("GetDocumentationParts", api.with(json!({"path": "/orders"}))).await;
    assert_eq!(listed["items"][0]["id"], part["id"]);
    world.call("DeleteDocumentationPart", api.with(json!({"documentationPartId": part["id"]}))).await;
    let gone = api.with(json!({"documentationPartId": part["id"]}));
    assert_eq!(world.refused("GetDocumentationPart", gone).await.0, "NotFoundException");
}
