//! Violations as AWS words them, and which of the models' patterns cannot be checked.

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use http::HeaderMap;
use shapes::Protocol;
use wire::{Request, constraints};

use crate::dynamic::Structure;
use crate::sample::sample;

fn check(body: &str, expected: &[&str]) {
    let sample = sample(Protocol::AwsJson11);
    let mut input = Structure::new(sample.operation.input);
    let (headers, body) = (HeaderMap::new(), Bytes::from(body.to_owned()));
    let request = Request::new("POST", "/", "", &headers, &body);
    let missing = wire::decode_request(sample.protocol, sample.operation, &request, &Vec::new(), &mut input)
        .expect("well-formed input");
    let violations: Vec<String> =
        constraints::check(&input, &missing).iter().map(ToString::to_string).collect();
    assert_eq!(violations, expected);
}

#[test]
fn values_that_fail() {
    check(r#"{"Name": "lamp", "Count": 10}"#, &[]);
    check("{}", &["Value null at 'name' failed to satisfy constraint: Member must not be null"]);
    check(
        r#"{"Name": ""}"#,
        &[
            "Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1",
            "Value '' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+",
        ],
    );
    check(
        r#"{"Name": "a", "Colour": "GREEN", "Count": 11, "Secret": "long"}"#,
        &[
            "Value 'GREEN' at 'colour' failed to satisfy constraint: Member must satisfy enum value set: [RED, BLUE]",
            "Value '11' at 'count' failed to satisfy constraint: Member must have value less than or equal to 10",
            "Value at 'secret' failed to satisfy constraint: Member must have length less than or equal to 3",
        ],
    );
}

#[test]
fn values_inside_others() {
    check(
        r#"{"Name": "a", "Lines": [{"Id": "x"}, {"Note": "n"}, {"Id": "X"}], "Labels": ["toolong"]}"#,
        &[
            "Value '[toolong]' at 'labels' failed to satisfy constraint: Member must satisfy constraint: \
             [Member must have length less than or equal to 5]",
            "Value null at 'lines.2.member.id' failed to satisfy constraint: Member must not be null",
            "Value 'X' at 'lines.3.member.id' failed to satisfy constraint: Member must satisfy regular \
             expression pattern: [a-z]+",
        ],
    );
    check(
        r#"{"Name": "a", "Tags": {"toolong": "1", "b": ""}}"#,
        &[
            "Value '{b=, toolong=1}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: \
             [Member must have length less than or equal to 5]",
            "Value '{b=, toolong=1}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: \
             [Member must have length less than or equal to 3, Member must have length greater than or equal to 1]",
        ],
    );
}

#[test]
fn several_violations_are_one_error() {
    let violation = |path: &str| constraints::Violation {
        path: path.to_owned(),
        value: Some("null".to_owned()),
        constraint: "Member must not be null".to_owned(),
    };
    let error = constraints::validation_exception(&[violation("a"), violation("b")]);
    assert_eq!(
        error.to_string(),
        "ValidationException: 2 validation errors detected: Value null at 'a' failed to satisfy constraint: Member \
         must not be null; Value null at 'b' failed to satisfy constraint: Member must not be null",
    );
}

/// Look-around and the like has no counterpart, so values of these patterns go unchecked. The list may shrink.
const UNCHECKED: &[&str] = &[
    r"((?!^\d+$)^[0-9a-zA-Z-_]+$)",
    r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)",
    r"(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)",
    r"[0-9A-Za-z\.\-_]*(?<!\.)",
    r"^(?!\s*$).+",
    r"(?!((^[ ]+.*)|(.*([\u0000-\u001f]|[\u007f-\u009f]|[:/|])+.*)|(.*[ ]+$))).+",
    r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$",
    r"^(?=[/\.\-_A-Za-z0-9]+)((?!aws\.).*)|(\$(\.[\w_-]+(\[(\d+|\*)\])*)*)$",
    r"(?!\s*$).+|(\$(\.[\w/_-]+(\[(\d+|\*)\])*)*)",
    r".*(?=[/\.\-_A-Za-z0-9]+)((?!aws\.).*)|(\$(\.[\w/_-]+(\[(\d+|\*)\])*)*).*",
    // Of operations that are not here: instances and commands of Systems Manager.
    r"^.{1,100000}$",
    SYSTEMS_MANAGER_DATE,
];

const SYSTEMS_MANAGER_DATE: &str = concat!(
    r"^([\-]?\d{4}(?!\d{2}\b))((-?)((0[1-9]|1[0-2])(\3([12]\d|0[1-9]|3[01]))?|W([0-4]\d|5[0-2])(-?[1-7])?|",
    r"(00[1-9]|0[1-9]\d|[12]\d{2}|3([0-5]\d|6[1-6])))([T\s]((([01]\d|2[0-3])((:?)[0-5]\d)?|24\:?00)([\.,]\d(?!:))?)?",
    r"(\17[0-5]\d([\.,]\d)?)?([zZ]|([\-])([01]\d|2[0-3]):?([0-5]\d)?)?)?)?$",
);

#[test]
fn patterns_of_the_models_are_checked() {
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services");
    let mut unchecked = BTreeSet::new();
    let mut patterns = 0;
    for service in std::fs::read_dir(services).expect("the services").flatten() {
        let Ok(model) = std::fs::read(service.path().join("api/model.json")) else { continue };
        let model: serde_json::Value = serde_json::from_slice(&model).expect("a model");
        for shape in model["shapes"].as_object().expect("shapes").values() {
            if let Some(pattern) = shape["pattern"].as_str() {
                patterns += 1;
                if !constraints::is_supported(pattern) {
                    unchecked.insert(pattern.to_owned());
                }
            }
        }
    }
    assert!(patterns > 100, "only {patterns} patterns");
    let listed: BTreeSet<String> = UNCHECKED.iter().map(|pattern| (*pattern).to_owned()).collect();
    assert_eq!(unchecked, listed, "list new ones, and check these values in their service");
}
