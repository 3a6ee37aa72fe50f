//! Query names of services that speak JSON as well, as SQS does.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value as Json, json};
use shapes::{ApiError, Protocol};
use wire::{Request, Response};

use crate::dynamic::{Structure, to_json};
use crate::sample::sample;

fn decode(body: &str, query: &str) -> Result<Json, ApiError> {
    let sample = sample(Protocol::AwsQuery);
    let mut input = Structure::new(sample.operation.input);
    let (headers, body) = (HeaderMap::new(), Bytes::from(body.to_owned()));
    let request = Request::new("POST", "/", query, &headers, &body);
    wire::decode_request(sample.protocol, sample.operation, &request, &Vec::new(), &mut input)?;
    Ok(to_json(&input))
}

#[test]
fn parameters_go_by_query_names() {
    let body = "Action=PutThing&Attribute.2.Name=Delay&Attribute.2.Value=5&Attribute.1.Name=Policy&Attribute.1.Value=\
                %7B%7D&Label.10=b&Label.9=a&Tags.entry.1.key=k&Tags.entry.1.value=v+w&Lines.member.1.Id=x";
    let expected = json!({
        "Attributes": {"Delay": "5", "Policy": "{}"}, "Labels": ["a", "b"], "Tags": {"k": "v w"},
        "Lines": [{"Id": "x"}],
    });
    assert_eq!(decode(body, "").expect("a thing"), expected);
    assert_eq!(decode("", body).expect("a thing"), expected);
}

#[test]
fn values_that_do_not_fit() {
    for (body, message) in [
        ("Count=x", r#"Invalid value for parameter Count: "x" is not a 32-bit integer"#),
        ("Lines.member.1=x", ""),
        ("Name.a=x", "Invalid value for parameter Name: a single value is expected"),
        ("Attribute.1.Value=x", "Invalid value for parameter Attributes: an entry has no Name"),
        ("Name=%ff", "A parameter's value is not UTF-8"),
        ("Data=*", "Invalid value for parameter Data: Invalid Base64: Invalid symbol 42, offset 0."),
    ] {
        match decode(body, "") {
            Ok(_) => assert_eq!(message, "", "{body}"),
            Err(error) => assert_eq!(error.to_string(), format!("MalformedInput: {message}")),
        }
    }
}

#[test]
fn answers_name_the_request() {
    let sample = sample(Protocol::AwsQuery);
    let output = Structure::from_json(sample.operation.output, &json!({"Name": "a<b", "Labels": ["x"]}));
    let response: Response =
        wire::encode_output(sample.protocol, sample.service, sample.operation, &output, "id-1");
    let body = String::from_utf8(response.body.to_vec()).expect("a text");
    assert_eq!(
        body,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PutThingResponse><PutThingResult><Label>x</Label>\
         <Name>a&lt;b</Name></PutThingResult><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata>\
         </PutThingResponse>"
    );

    let error =
        ApiError::sender("QueueDoesNotExist", "no such queue").with_query_code("AWS.NonExistentQueue");
    let response = wire::encode_error(sample.protocol, sample.service, &error, "id-2");
    let body = String::from_utf8(response.body.to_vec()).expect("a text");
    assert_eq!(
        body,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ErrorResponse><Error><Type>Sender</Type>\
         <Code>AWS.NonExistentQueue</Code><Message>no such queue</Message></Error><RequestId>id-2</RequestId>\
         </ErrorResponse>"
    );
    let json = wire::encode_error(Protocol::AwsJson10, sample.service, &error, "id-2");
    assert_eq!(json.header("x-amzn-query-error"), Some("AWS.NonExistentQueue;Sender"));
    assert_eq!(&json.body[..], br#"{"__type":"QueueDoesNotExist","message":"no such queue"}"#);
}
