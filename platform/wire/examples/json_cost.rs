//! What decoding and encoding the hottest requests costs: a DynamoDB item and an SQS message.
//!
//! `cargo run --release -p wire --example json_cost`

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use shapes::{
    Blob, Constraints, Kind, Map, Member, Node, OperationSchema, Protocol, ServiceSchema, Shape, Slot,
    Struct, StructShape, Union, View,
};
use wire::{Request, constraints};

/// A structure as the code generator writes them, with its schema.
macro_rules! structure {
    ($name:ident, $schema:ident, $shape:ident, { $($index:literal $field:ident $wire:literal: $type:ty = $member:expr),* $(,)? }) => {
        #[derive(Clone, Debug, Default)]
        struct $name { $($field: $type),* }
        static $schema: StructShape =
            StructShape { name: stringify!($name), members: &[$(Member::plain($wire, &$member)),*], ..StructShape::EMPTY };
        #[allow(dead_code)]
        static $shape: Shape = Shape::plain(stringify!($name), Kind::Struct(&$schema));
        impl Node for $name {
            fn view(&self) -> View<'_> { View::Struct(self) }
            fn slot(&mut self) -> Slot<'_> { Slot::Struct(self) }
        }
        impl Struct for $name {
            fn shape(&self) -> &'static StructShape { &$schema }
            fn member(&self, index: usize) -> &dyn Node {
                match index { $($index => &self.$field,)* _ => unreachable!() }
            }
            fn member_mut(&mut self, index: usize) -> &mut dyn Node {
                match index { $($index => &mut self.$field,)* _ => unreachable!() }
            }
        }
    };
}

/// A union as the code generator writes them.
macro_rules! union {
    ($name:ident, $schema:ident, { $($index:literal $variant:ident $wire:literal: $type:ty = $member:expr),* $(,)? }) => {
        #[derive(Clone, Debug, Default)]
        enum $name { #[default] Unset, $($variant($type)),* }
        static $schema: StructShape = StructShape {
            name: stringify!($name), members: &[$(Member::plain($wire, &$member)),*], is_union: true, ..StructShape::EMPTY
        };
        impl Node for $name {
            fn view(&self) -> View<'_> { View::Union(self) }
            fn slot(&mut self) -> Slot<'_> { Slot::Union(self) }
        }
        impl Union for $name {
            fn shape(&self) -> &'static StructShape { &$schema }
            fn variant(&self) -> Option<(usize, &dyn Node)> {
                match self { Self::Unset => None, $(Self::$variant(value) => Some(($index, value)),)* }
            }
            fn select(&mut self, index: usize) -> &mut dyn Node {
                match index {
                    $($index => {
                        *self = Self::$variant(Default::default());
                        match self { Self::$variant(value) => value, _ => unreachable!() }
                    })*
                    _ => unreachable!(),
                }
            }
        }
    };
}

static STRING: Shape = Shape::plain("String", Kind::String);
static INTEGER: Shape = Shape::plain("Integer", Kind::Integer);
static BLOB: Shape = Shape::plain("Blob", Kind::Blob);
static BOOLEAN: Shape = Shape::plain("Boolean", Kind::Boolean);
static STRING_ITEM: Member = Member::plain("member", &STRING);
static BLOB_ITEM: Member = Member::plain("member", &BLOB);
static STRINGS: Shape = Shape::plain("Strings", Kind::List(&STRING_ITEM));
static BLOBS: Shape = Shape::plain("Blobs", Kind::List(&BLOB_ITEM));
static VALUE: Shape = Shape::plain("AttributeValue", Kind::Struct(&ATTRIBUTE_VALUE));
static VALUE_ITEM: Member = Member::plain("member", &VALUE);
static VALUES: Shape = Shape::plain("Values", Kind::List(&VALUE_ITEM));
static KEY: Shape = Shape {
    constraints: Constraints { max: Some(65535.0), ..Constraints::NONE },
    ..Shape::plain("AttributeName", Kind::String)
};
static KEY_MEMBER: Member = Member::plain("key", &KEY);
static ITEM: Shape = Shape::plain("Item", Kind::Map(&KEY_MEMBER, &VALUE_ITEM));
static NAMES: Shape = Shape::plain("Names", Kind::Map(&KEY_MEMBER, &STRING_ITEM));
static TABLE: Shape = Shape {
    constraints: Constraints { min: Some(1.0), max: Some(1024.0), ..Constraints::NONE },
    ..Shape::plain("TableArn", Kind::String)
};
static RETURN: Shape = Shape {
    constraints: Constraints { enum_values: &["INDEXES", "TOTAL", "NONE"], ..Constraints::NONE },
    ..Shape::plain("ReturnConsumedCapacity", Kind::String)
};
static MESSAGE_VALUE: Member = Member::plain("value", &MESSAGE_ATTRIBUTE);
static MESSAGE_ATTRIBUTES: Shape = Shape::plain("Attributes", Kind::Map(&STRING_ITEM, &MESSAGE_VALUE));

union!(AttributeValue, ATTRIBUTE_VALUE, {
    0 B "B": Blob = BLOB, 1 Bool "BOOL": bool = BOOLEAN, 2 Bs "BS": Vec<Blob> = BLOBS,
    3 L "L": Vec<AttributeValue> = VALUES, 4 M "M": Map<AttributeValue> = ITEM, 5 N "N": String = STRING,
    6 Ns "NS": Vec<String> = STRINGS, 7 Null "NULL": bool = BOOLEAN, 8 S "S": String = STRING,
    9 Ss "SS": Vec<String> = STRINGS,
});

structure!(PutItemInput, PUT_ITEM, PUT_ITEM_SHAPE, {
    0 table_name "TableName": String = TABLE,
    1 item "Item": BTreeMap<String, AttributeValue> = ITEM,
    2 return_values "ReturnValues": Option<String> = STRING,
    3 return_consumed_capacity "ReturnConsumedCapacity": Option<String> = RETURN,
    4 condition_expression "ConditionExpression": Option<String> = STRING,
    5 expression_attribute_names "ExpressionAttributeNames": Option<Map<String>> = NAMES,
    6 expression_attribute_values "ExpressionAttributeValues": Option<Map<AttributeValue>> = ITEM,
});

structure!(MessageAttributeValue, MESSAGE_ATTRIBUTE_VALUE, MESSAGE_ATTRIBUTE, {
    0 string_value "StringValue": Option<String> = STRING,
    1 binary_value "BinaryValue": Option<Blob> = BLOB,
    2 data_type "DataType": String = STRING,
});

structure!(SendMessageInput, SEND_MESSAGE, SEND_MESSAGE_SHAPE, {
    0 queue_url "QueueUrl": String = STRING,
    1 message_body "MessageBody": String = STRING,
    2 delay_seconds "DelaySeconds": Option<i32> = INTEGER,
    3 message_attributes "MessageAttributes": Option<Map<MessageAttributeValue>> = MESSAGE_ATTRIBUTES,
    4 message_deduplication_id "MessageDeduplicationId": Option<String> = STRING,
    5 message_group_id "MessageGroupId": Option<String> = STRING,
});

static OPERATION: OperationSchema = OperationSchema {
    name: "Operation",
    method: "POST",
    uri: "/",
    status: 200,
    has_handler: true,
    input: &PUT_ITEM,
    output: &PUT_ITEM,
    result_wrapper: None,
    input_element: None,
    input_namespace: None,
    errors: &[],
    is_unsigned: false,
};

static SERVICE: ServiceSchema = ServiceSchema {
    name: "cost",
    service_id: "Cost",
    signing_name: "cost",
    endpoint_prefix: "cost",
    action_prefix: "cost",
    api_version: "2020-01-01",
    target_prefix: "Cost",
    protocols: &[Protocol::AwsJson10],
    xml_namespace: None,
    query_compatible: false,
    operations: &[],
};

const ITEM_BODY: &str = r#"{"TableName":"orders","Item":{"pk":{"S":"customer#10045"},"sk":{"S":"order#2026-01-02#000123"},"total":{"N":"129.95"},"state":{"S":"PAID"},"lines":{"L":[{"M":{"sku":{"S":"A-1001"},"count":{"N":"2"}}},{"M":{"sku":{"S":"B-77"},"count":{"N":"1"}}}]},"gift":{"BOOL":false}},"ReturnConsumedCapacity":"NONE"}"#;

const MESSAGE_BODY: &str = r#"{"QueueUrl":"http://localhost:4566/000000000000/orders","MessageBody":"{\"order\":\"000123\",\"customer\":\"10045\",\"total\":129.95}","DelaySeconds":0,"MessageAttributes":{"source":{"DataType":"String","StringValue":"shop"}}}"#;

fn main() {
    measure::<PutItemInput>("PutItem", ITEM_BODY);
    measure::<SendMessageInput>("SendMessage", MESSAGE_BODY);
}

fn measure<T: Struct + Default>(name: &str, body: &'static str) {
    let body = Bytes::from_static(body.as_bytes());
    let headers = HeaderMap::new();
    let labels = Vec::new();
    let request = Request::new("POST", "/", "", &headers, &body);
    let decode = || {
        let mut input = T::default();
        let missing = wire::decode_request(Protocol::AwsJson10, &OPERATION, &request, &labels, &mut input);
        (input, missing.expect("a valid request"))
    };
    let (input, missing) = decode();
    assert!(constraints::check(&input, &missing).is_empty());
    let size = body.len();
    println!("{name}: {size} bytes");
    time("decode", || drop(black_box(decode())));
    time("check constraints", || drop(black_box(constraints::check(&input, &missing))));
    // A yardstick, because machines differ: the same body as a tree without types.
    time("serde_json, for comparison", || {
        drop(black_box(serde_json::from_slice::<serde_json::Value>(&body).expect("JSON")));
    });
    time("encode", || {
        drop(black_box(wire::encode_output(Protocol::AwsJson10, &SERVICE, &OPERATION, &input, "id")));
    });
}

#[allow(clippy::disallowed_methods)] // A measurement is of real time.
fn time(what: &str, run: impl Fn()) {
    const RUNS: u32 = 200_000;
    for _ in 0..RUNS / 10 {
        run();
    }
    let start = Instant::now();
    for _ in 0..RUNS {
        run();
    }
    println!("  {what}: {} ns", start.elapsed().as_nanos() / u128::from(RUNS));
}
