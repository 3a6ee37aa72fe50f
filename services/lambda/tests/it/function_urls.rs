//! Functions behind URLs.

use bytes::Bytes;
use http::{Request, Response};
use lambda_api::op::{
    AddPermission, CreateFunctionUrlConfig, DeleteFunction, DeleteFunctionUrlConfig, GetFunction,
    GetFunctionUrlConfig, ListFunctionUrlConfigs, UpdateFunctionUrlConfig,
};
use lambda_api::{
    AddPermissionInput, Cors, CreateFunctionUrlConfigInput, DeleteFunctionInput,
    DeleteFunctionUrlConfigInput, GetFunctionInput, GetFunctionUrlConfigInput, ListFunctionUrlConfigsInput,
    UpdateFunctionUrlConfigInput,
};
use serde_json::{Value, json};
use shapes::ApiError;

use crate::kit::{Functions, host_isolates, installed};

const ECHO: &str = "import json\n\
                    def handler(event, context):\n    \
                        if event['rawPath'] == '/fail':\n        raise ValueError('no')\n    \
                        return {'statusCode': 201, 'headers': {'x-own': 'yes'}, 'cookies': ['a=1'], 'body': json.dumps(event)}\n";

async fn create_url(functions: &Functions, auth: &str, cors: Option<Cors>) -> Result<String, ApiError> {
    let input = CreateFunctionUrlConfigInput {
        function_name: "f".to_owned(),
        auth_type: auth.to_owned(),
        cors,
        ..Default::default()
    };
    Ok(functions.region.call::<CreateFunctionUrlConfig>(input).await?.function_url)
}

async fn open_to_all(functions: &Functions) {
    let input = AddPermissionInput {
        function_name: "f".to_owned(),
        statement_id: "url".to_owned(),
        action: "lambda:InvokeFunctionUrl".to_owned(),
        principal: "*".to_owned(),
        function_url_auth_type: Some("NONE".to_owned()),
        ..Default::default()
    };
    functions.region.call::<AddPermission>(input).await.expect("the function is there");
}

fn host(url: &str) -> &str {
    url.trim_start_matches("http://").trim_end_matches('/')
}

async fn send(functions: &Functions, request: Request<Bytes>) -> Response<Bytes> {
    let endpoint = functions.service.endpoint();
    let (head, body) = request.into_parts();
    assert!(endpoint.claims(&head), "{head:?}");
    let peer = Some("203.0.113.9".parse().expect("an address"));
    endpoint.serve(Request::from_parts(head, body), peer, "request").await
}

#[tokio::test]
async fn a_url_gives_the_function_a_request_and_the_client_its_answer() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::start();
    functions.python(ECHO).await;
    let url = create_url(&functions, "NONE", None).await.unwrap();
    assert!(url.contains(".lambda-url.us-east-1.localhost:4566/"), "{url}");
    let request = |path: &str| {
        Request::post(path)
            .header("host", host(&url))
            .header("content-type", "application/json")
            .header("cookie", "s=1; t=2")
            .body(Bytes::from_static(br#"{"n":1}"#))
            .unwrap()
    };
    // Nobody may call it before its policy says so.
    assert_eq!(send(&functions, request("/")).await.status(), 403);
    open_to_all(&functions).await;
    let response = send(&functions, request("/orders/7?a=1&a=2&b=x%20y")).await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-own"], "yes");
    assert_eq!(response.headers()["set-cookie"], "a=1");
    let event: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!((&event["version"], &event["rawPath"]), (&json!("2.0"), &json!("/orders/7")));
    assert_eq!(event["queryStringParameters"], json!({ "a": "1,2", "b": "x y" }));
    assert_eq!((&event["cookies"], &event["body"]), (&json!(["s=1", "t=2"]), &json!(r#"{"n":1}"#)));
    assert_eq!(event["requestContext"]["http"]["method"], "POST");
    assert_eq!(event["requestContext"]["http"]["sourceIp"], "203.0.113.9");
    assert_eq!(send(&functions, request("/fail")).await.status(), 502);
    // Clients that cannot make up host names use a path.
    let id = host(&url).split('.').next().unwrap();
    let by_path = Request::get(format!("/_aws/lambda-url/{id}/x")).header("host", "127.0.0.1:4566");
    let response = send(&functions, by_path.body(Bytes::new()).unwrap()).await;
    let event: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(event["rawPath"], "/x");
}

#[tokio::test]
async fn signed_urls_know_their_callers() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::start();
    functions.python(ECHO).await;
    let url = create_url(&functions, "AWS_IAM", None).await.unwrap();
    let unsigned = Request::get("/").header("host", host(&url)).body(Bytes::new()).unwrap();
    assert_eq!(send(&functions, unsigned).await.status(), 403);
    // The region's developer mode takes any key for the root of its account.
    let scope = "test/20260101/us-east-1/lambda/aws4_request";
    let signed = Request::get("/")
        .header("host", host(&url))
        .header("x-amz-date", "20260101T000000Z")
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature=0"),
        )
        .body(Bytes::new())
        .unwrap();
    let response = send(&functions, signed).await;
    assert_eq!(response.status(), 201);
    let event: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(event["requestContext"]["authorizer"]["iam"]["accountId"], "000000000000");
}

#[tokio::test]
async fn pages_of_other_sites_are_answered_as_configured() {
    let functions = Functions::start();
    functions.create("f", "python3.12", &[("index.py", "")], |_| {}).await.unwrap();
    let cors = Cors {
        allow_origins: Some(vec!["https://shop.example".to_owned()]),
        allow_methods: Some(vec!["GET".to_owned()]),
        max_age: Some(60),
        ..Default::default()
    };
    let url = create_url(&functions, "NONE", Some(cors)).await.unwrap();
    let preflight = |origin: &str| {
        Request::options("/")
            .header("host", host(&url))
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .body(Bytes::new())
            .unwrap()
    };
    let allowed = send(&functions, preflight("https://shop.example")).await;
    assert_eq!(allowed.headers()["access-control-allow-origin"], "https://shop.example");
    assert_eq!(allowed.headers()["access-control-max-age"], "60");
    let other = send(&functions, preflight("https://other.example")).await;
    assert!(!other.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn configurations_are_kept_with_the_function() {
    let functions = Functions::start();
    functions.create("f", "python3.12", &[("index.py", "")], |_| {}).await.unwrap();
    let get = async || {
        let input = GetFunctionUrlConfigInput { function_name: "f".to_owned(), ..Default::default() };
        functions.region.call::<GetFunctionUrlConfig>(input).await
    };
    assert_eq!(get().await.unwrap_err().code(), "ResourceNotFoundException");
    let url = create_url(&functions, "NONE", None).await.unwrap();
    let error = create_url(&functions, "NONE", None).await.unwrap_err();
    assert_eq!((error.code(), error.status()), ("ResourceConflictException", 409));
    let input = UpdateFunctionUrlConfigInput {
        function_name: "f".to_owned(),
        auth_type: Some("AWS_IAM".to_owned()),
        ..Default::default()
    };
    functions.region.call::<UpdateFunctionUrlConfig>(input).await.unwrap();
    let shown = get().await.unwrap();
    assert_eq!((shown.auth_type.as_str(), &shown.function_url), ("AWS_IAM", &url));
    let input = ListFunctionUrlConfigsInput { function_name: "f".to_owned(), ..Default::default() };
    let listed = functions.region.call::<ListFunctionUrlConfigs>(input).await.unwrap();
    assert_eq!(listed.function_url_configs.len(), 1);
    let input = DeleteFunctionUrlConfigInput { function_name: "f".to_owned(), ..Default::default() };
    functions.region.call::<DeleteFunctionUrlConfig>(input).await.unwrap();
    let gone = || Request::get("/").header("host", host(&url)).body(Bytes::new()).unwrap();
    assert_eq!(send(&functions, gone()).await.status(), 403);
    // A function takes its URLs along.
    create_url(&functions, "NONE", None).await.unwrap();
    let input = DeleteFunctionInput { function_name: "f".to_owned(), ..Default::default() };
    functions.region.call::<DeleteFunction>(input).await.unwrap();
    functions.create("f", "python3.12", &[("index.py", "")], |_| {}).await.unwrap();
    create_url(&functions, "NONE", None).await.unwrap();
}

#[tokio::test]
async fn packages_are_found_where_answers_say() {
    let functions = Functions::start();
    functions.create("f", "python3.12", &[("index.py", "x = 1")], |_| {}).await.unwrap();
    let input = GetFunctionInput { function_name: "f".to_owned(), ..Default::default() };
    let location = functions.region.call::<GetFunction>(input).await.unwrap().code.unwrap().location.unwrap();
    let path = location.strip_prefix("http://127.0.0.1:4566").unwrap();
    let response = send(&functions, Request::get(path).body(Bytes::new()).unwrap()).await;
    assert_eq!(&response.body()[..4], b"PK\x03\x04");
    let other = format!("/_brume/lambda/packages/{}", "0".repeat(64));
    let response = send(&functions, Request::get(other).body(Bytes::new()).unwrap()).await;
    assert_eq!(response.status(), 404);
}
