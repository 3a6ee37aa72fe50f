//! Values and keys: what is written is what is read.

use dax_wire::{
    Decoder, Encoder, KeyKind, KeyPart, KeySchema, decode_attributes, decode_item, decode_key, decode_value,
    encode_attributes, encode_key, encode_value,
};
use dynamodb_api::AttributeValue;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use shapes::{Blob, Map};

use crate::generated::{number, value};

fn part(name: &str, kind: KeyKind) -> KeyPart {
    KeyPart { name: name.to_owned(), kind }
}

fn key_value() -> impl Strategy<Value = (KeyKind, AttributeValue)> {
    prop_oneof![
        ".{1,10}".prop_map(|text| (KeyKind::Text, AttributeValue::S(text))),
        any::<i64>().prop_map(|number| (KeyKind::Number, AttributeValue::N(number.to_string()))),
        vec(any::<u8>(), 1..10).prop_map(|bytes| (KeyKind::Binary, AttributeValue::B(Blob::from(bytes)))),
    ]
}

/// The value of a number in whole units of its last place, for numbers of the same exponent.
fn order(text: &str) -> (bool, std::cmp::Reverse<u128>, u128) {
    let (mantissa, _) = text.split_once('E').unwrap_or((text, "0"));
    let digits: u128 = mantissa.trim_start_matches('-').parse().expect("digits");
    if mantissa.starts_with('-') {
        (false, std::cmp::Reverse(digits), 0)
    } else {
        (true, std::cmp::Reverse(0), digits)
    }
}

fn range_key(text: &str) -> Result<Vec<u8>, dax_wire::WireError> {
    let schema = KeySchema { hash: part("h", KeyKind::Text), range: Some(part("r", KeyKind::Number)) };
    let item = Map::from([
        ("h".to_owned(), AttributeValue::S("a".to_owned())),
        ("r".to_owned(), AttributeValue::N(text.to_owned())),
    ]);
    encode_key(&schema, &item)
}

proptest! {
    #[test]
    fn values_come_back(value in value()) {
        let mut encoder = Encoder::default();
        encode_value(&mut encoder, &value).expect("a value");
        let mut decoder = Decoder::new(&encoder.0);
        prop_assert_eq!(number_texts(decode_value(&mut decoder).expect("a value")), number_texts(value));
        prop_assert!(decoder.is_at_end());
    }

    #[test]
    fn numbers_keep_their_value(text in number()) {
        let mut encoder = Encoder::default();
        encode_value(&mut encoder, &AttributeValue::N(text)).expect("a number");
        let once = decode_value(&mut Decoder::new(&encoder.0)).expect("a number");
        let mut again = Encoder::default();
        encode_value(&mut again, &once).expect("a number");
        prop_assert_eq!(again.0, encoder.0);
    }

    #[test]
    fn keys_come_back((hash_kind, hash) in key_value(), range in prop::option::of(key_value())) {
        let schema = KeySchema {
            hash: part("h", hash_kind),
            range: range.as_ref().map(|(kind, _)| part("r", *kind)),
        };
        let mut key = Map::from([("h".to_owned(), hash)]);
        key.extend(range.map(|(_, value)| ("r".to_owned(), value)));
        let bytes = encode_key(&schema, &key).expect("a key");
        let back = decode_key(&schema, &bytes).expect("a key");
        prop_assert_eq!(encode_key(&schema, &back).expect("a key"), bytes);
        let texts = |key: Map<AttributeValue>| -> Vec<AttributeValue> { key.into_values().map(number_texts).collect() };
        prop_assert_eq!(texts(back), texts(key));
    }

    #[test]
    fn items_come_back_under_their_names(item in btree_map("[a-z]{1,4}", value(), 0..6), id in 2..i64::MAX) {
        let item: Map<AttributeValue> = item.into_iter().collect();
        let names: Vec<String> = item.keys().cloned().collect();
        let bytes = encode_attributes(id, &names, &item).expect("an item");
        let (read, values) = decode_attributes(&bytes).expect("an item");
        let mut back = Map::new();
        decode_item(&names, values, &mut back).expect("values");
        prop_assert_eq!(read, id);
        prop_assert_eq!(
            number_texts(AttributeValue::M(back)),
            number_texts(AttributeValue::M(item))
        );
        // One name too few or too many is no item of the list.
        let short = &names[..names.len().saturating_sub(1)];
        prop_assert_eq!(decode_item(short, values, &mut Map::new()).is_ok(), names.is_empty());
    }

    #[test]
    fn range_keys_sort_as_their_numbers(one in number(), other in number(), exponent in -120_i64..80) {
        let same_place = |text: &str| format!("{}E{exponent}", text.split_once('E').map_or(text, |(mantissa, _)| mantissa));
        let (one, other) = (same_place(&one), same_place(&other));
        let bytes = (range_key(&one).expect("a key"), range_key(&other).expect("a key"));
        prop_assert_eq!(order(&one).cmp(&order(&other)), bytes.0.cmp(&bytes.1), "{} {}", one, other);
    }
}

/// Numbers in one way of writing them, and sets in one order.
fn number_texts(value: AttributeValue) -> AttributeValue {
    match value {
        AttributeValue::N(text) => AttributeValue::N(plain(&text)),
        AttributeValue::Ns(texts) => {
            let mut texts: Vec<String> = texts.iter().map(|text| plain(text)).collect();
            texts.sort();
            AttributeValue::Ns(texts)
        }
        AttributeValue::L(values) => AttributeValue::L(values.into_iter().map(number_texts).collect()),
        AttributeValue::M(values) => {
            AttributeValue::M(values.into_iter().map(|(name, value)| (name, number_texts(value))).collect())
        }
        other => other,
    }
}

/// An integer without an exponent.
fn plain(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('E').unwrap_or((text, "0"));
    let zeros = exponent.parse::<usize>().expect("an integer's exponent");
    format!("{mantissa}{}", "0".repeat(zeros))
}
