//! A small API with every kind of member, in any protocol.

use codegen::model::Model;
use serde_json::{Value as Json, json};
use shapes::{OperationSchema, Protocol, ServiceSchema};

use crate::dynamic;

pub(crate) const PROTOCOLS: [(&str, Protocol); 7] = [
    ("json", Protocol::AwsJson11),
    ("json10", Protocol::AwsJson10),
    ("query", Protocol::AwsQuery),
    ("ec2", Protocol::Ec2Query),
    ("rest-json", Protocol::RestJson),
    ("rest-xml", Protocol::RestXml),
    ("smithy-rpc-v2-cbor", Protocol::RpcV2Cbor),
];

pub(crate) struct Sample {
    pub(crate) protocol: Protocol,
    pub(crate) service: &'static ServiceSchema,
    pub(crate) operation: &'static OperationSchema,
}

pub(crate) fn sample(protocol: Protocol) -> Sample {
    let (name, _) = PROTOCOLS.iter().find(|(_, other)| *other == protocol).expect("a known protocol");
    let (name, json_version) = if *name == "json10" { ("json", "1.0") } else { (*name, "1.1") };
    let model = Model::parse(&json!({
        "metadata": {
            "serviceId": "Sample", "apiVersion": "2020-01-01", "endpointPrefix": "sample",
            "targetPrefix": "Sample", "jsonVersion": json_version, "protocol": name, "awsQueryCompatible": {},
        },
        "operations": {"PutThing": {
            "name": "PutThing", "http": {"method": "POST", "requestUri": "/things"},
            "input": {"shape": "Thing"}, "output": {"shape": "Thing"},
        }},
        "shapes": shapes(name != "query" && name != "ec2" && !name.starts_with("rest-xml")),
    }))
    .expect("a model");
    let service = dynamic::service(&model);
    Sample { protocol, service, operation: &service.operations[0] }
}

fn shapes(with_document: bool) -> Json {
    let mut shapes = json!({
        "Thing": {"type": "structure", "required": ["Name"], "members": {
            "Name": {"shape": "Name"}, "Colour": {"shape": "Colour"}, "Count": {"shape": "Count"},
            "Size": {"shape": "Long"}, "Ratio": {"shape": "Double"}, "Share": {"shape": "Float"},
            "IsOpen": {"shape": "Boolean"}, "Tags": {"shape": "Tags"}, "Lines": {"shape": "Lines"},
            "Labels": {"shape": "Labels", "queryName": "Label"}, "Data": {"shape": "Data"},
            "When": {"shape": "When"}, "Value": {"shape": "Value"}, "Secret": {"shape": "Secret"},
            "Attributes": {"shape": "Attributes", "queryName": "Attribute"},
        }},
        "Name": {"type": "string", "min": 1, "max": 10, "pattern": "[a-z]+"},
        "Colour": {"type": "string", "enum": ["RED", "BLUE"]},
        "Count": {"type": "integer", "min": 1, "max": 10},
        "Long": {"type": "long"}, "Double": {"type": "double"}, "Float": {"type": "float"},
        "Boolean": {"type": "boolean"}, "String": {"type": "string"}, "Data": {"type": "blob"},
        "When": {"type": "timestamp"}, "Secret": {"type": "string", "max": 3, "sensitive": true},
        "Tags": {"type": "map", "key": {"shape": "TagKey"}, "value": {"shape": "TagValue"}, "max": 3},
        "TagKey": {"type": "string", "max": 5}, "TagValue": {"type": "string", "max": 3, "min": 1},
        "Lines": {"type": "list", "member": {"shape": "Line"}},
        "Line": {"type": "structure", "required": ["Id"], "members": {
            "Id": {"shape": "Name"}, "Note": {"shape": "String"},
        }},
        "Labels": {"type": "list", "member": {"shape": "TagKey"}, "flattened": true},
        "Attributes": {
            "type": "map", "flattened": true,
            "key": {"shape": "String", "queryName": "Name"}, "value": {"shape": "String", "queryName": "Value"},
        },
        "Value": {"type": "structure", "union": true, "members": {
            "S": {"shape": "String"}, "N": {"shape": "Long"}, "L": {"shape": "Values"},
        }},
        "Values": {"type": "list", "member": {"shape": "Value"}},
        "Document": {"type": "structure", "document": true, "members": {}},
    });
    if with_document {
        shapes["Thing"]["members"]["Free"] = json!({"shape": "Document"});
    }
    shapes
}

/// A value with every member.
pub(crate) fn thing(sample: &Sample) -> Json {
    let mut thing = json!({
        "Name": "lamp", "Colour": "RED", "Count": 3, "Size": 9_007_199_254_740_993_i64, "Ratio": 0.1,
        "Share": 0.5, "IsOpen": true, "Tags": {"a": "1", "b": "é\"\n<&>"},
        "Lines": [{"Id": "x", "Note": "\u{1F639}"}, {"Id": "y"}], "Labels": ["one", "two"], "Data": "\u{0}bytes",
        "When": 946_845_296.123, "Value": {"L": [{"S": ""}, {"N": -5}]}, "Secret": "abc",
        "Attributes": {"Policy": "{}", "Delay": "5"},
    });
    if sample.operation.input.member_named("Free").is_some() {
        thing["Free"] = json!({"a": [1, 2.5, true, null, "x"]});
    }
    thing
}
