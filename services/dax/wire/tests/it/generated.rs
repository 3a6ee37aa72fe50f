//! What the property tests are fed: values, requests, and requests that went wrong on their way.

use dax_wire::{Encoder, encode_value};
use dynamodb_api::AttributeValue;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use shapes::Blob;

pub(crate) const GET: i64 = 263_244_906;
pub(crate) const PUT: i64 = -2_106_490_455;
pub(crate) const UPDATE: i64 = 1_425_579_023;
pub(crate) const QUERY: i64 = -931_250_863;
pub(crate) const BATCH_GET: i64 = -697_851_100;
pub(crate) const BATCH_WRITE: i64 = 116_217_951;
pub(crate) const TRANSACT_WRITE: i64 = -1_160_037_738;
pub(crate) const DEFINE_LIST_ID: i64 = -1_230_579_644;

/// A number as DynamoDB gives it: no zeros that say nothing.
pub(crate) fn number() -> impl Strategy<Value = String> {
    let digits = prop_oneof![
        any::<u64>().prop_map(u128::from),
        any::<u128>().prop_map(|digits| digits % 10_u128.pow(38)),
        0..1000_u128,
    ];
    (any::<bool>(), digits, -130_i64..80).prop_map(|(is_negative, digits, exponent)| {
        let sign = if is_negative && digits > 0 { "-" } else { "" };
        format!("{sign}{digits}E{exponent}")
    })
}

pub(crate) fn value() -> impl Strategy<Value = AttributeValue> {
    let leaf = prop_oneof![
        ".{0,12}".prop_map(AttributeValue::S),
        any::<i64>().prop_map(|number| AttributeValue::N(number.to_string())),
        vec(any::<u8>(), 0..12).prop_map(|bytes| AttributeValue::B(Blob::from(bytes))),
        any::<bool>().prop_map(AttributeValue::Bool),
        Just(AttributeValue::Null(true)),
        btree_set("[a-z]{1,4}", 1..4).prop_map(|set| AttributeValue::Ss(set.into_iter().collect())),
        btree_set(any::<i64>(), 1..4)
            .prop_map(|set| AttributeValue::Ns(set.iter().map(i64::to_string).collect())),
        btree_set(vec(any::<u8>(), 0..4), 1..4)
            .prop_map(|set| AttributeValue::Bs(set.into_iter().map(Blob::from).collect())),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(AttributeValue::L),
            vec(("[a-z]{1,3}", inner), 0..5)
                .prop_map(|members| AttributeValue::M(members.into_iter().collect())),
        ]
    })
}

/// Bytes that say CBOR of any sort, whole as a rule.
pub(crate) fn encoded() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        value().prop_map(|value| {
            let mut encoder = Encoder::default();
            encode_value(&mut encoder, &value).expect("a value");
            encoder.0
        }),
        (-30_i64..30).prop_map(|number| {
            let mut encoder = Encoder::default();
            encoder.integer(number);
            encoder.0
        }),
        vec(any::<u8>(), 0..4),
        // Indefinite lengths, breaks and reserved heads.
        prop_oneof![Just(vec![0x9F]), Just(vec![0xBF]), Just(vec![0xFF]), Just(vec![0x5F]), Just(vec![0x1C])],
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        (any::<bool>(), vec(inner, 0..6)).prop_map(|(is_nested, parts)| {
            let mut encoder = Encoder::default();
            encoder.array(parts.len());
            parts.iter().for_each(|part| encoder.0.extend_from_slice(part));
            if !is_nested {
                return encoder.0;
            }
            let mut outer = Encoder::default();
            outer.bytes(&encoder.0);
            outer.0
        })
    })
}

pub(crate) fn request(method: i64, write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut encoder = Encoder::default();
    encoder.integer(1);
    encoder.integer(method);
    write(&mut encoder);
    encoder.0
}

/// The tree of an expression that compares the attribute `v` with its only variable.
fn condition(comparator: i64, value: &AttributeValue) -> Vec<u8> {
    let mut encoder = Encoder::default();
    encoder.array(3);
    encoder.integer(1);
    encoder.array(3);
    encoder.integer(comparator);
    encoder.array(2);
    encoder.integer(18);
    encoder.text("v");
    encoder.array(2);
    encoder.integer(17);
    encoder.integer(0);
    encoder.array(1);
    encode_value(&mut encoder, value).expect("a value");
    encoder.0
}

/// Requests as clients send them.
pub(crate) fn requests() -> impl Strategy<Value = Vec<u8>> {
    let bytes = || vec(any::<u8>(), 0..40);
    let gets = (bytes(), any::<bool>()).prop_map(|(key, is_consistent)| {
        request(GET, |out| {
            out.bytes(b"orders");
            out.bytes(&key);
            out.map(1);
            out.integer(2);
            out.boolean(is_consistent);
        })
    });
    let puts = (bytes(), bytes(), 0..6_i64, value()).prop_map(|(key, item, comparator, value)| {
        request(PUT, |out| {
            out.bytes(b"orders");
            out.bytes(&key);
            out.bytes(&item);
            out.map(1);
            out.integer(4);
            out.bytes(&condition(comparator, &value));
        })
    });
    let queries = (value(), 1..100_i64).prop_map(|(value, limit)| {
        request(QUERY, |out| {
            out.bytes(b"orders");
            out.bytes(&condition(0, &value));
            out.map(2);
            out.integer(13);
            out.integer(limit);
            out.integer(14);
            out.integer(1);
        })
    });
    let reads = vec(bytes(), 1..6).prop_map(|keys| {
        request(BATCH_GET, |out| {
            out.map(1);
            out.bytes(b"orders");
            out.array(3);
            out.boolean(false);
            out.null();
            out.array(keys.len());
            keys.iter().for_each(|key| out.bytes(key));
            out.null();
        })
    });
    let writes = vec((bytes(), bytes()), 1..6).prop_map(|writes| {
        request(TRANSACT_WRITE, |out| {
            for what in 0..3 {
                out.array(writes.len());
                for (key, _) in &writes {
                    match what {
                        0 => out.integer(2),
                        1 => out.bytes(b"orders"),
                        _ => out.bytes(key),
                    }
                }
            }
            out.array(writes.len());
            writes.iter().for_each(|(_, item)| out.bytes(item));
            (0..5).for_each(|_| out.null());
        })
    });
    let lists = vec("[a-z]{1,5}", 0..5).prop_map(|names| {
        request(DEFINE_LIST_ID, |out| {
            out.array(names.len());
            names.iter().for_each(|name| out.text(name));
        })
    });
    prop_oneof![gets, puts, queries, reads, writes, lists]
}

/// Requests that lost, got or changed some of their bytes.
pub(crate) fn broken_requests() -> impl Strategy<Value = Vec<u8>> {
    let harm = (any::<prop::sample::Index>(), any::<u8>(), 0..3_u8);
    (requests(), vec(harm, 1..8)).prop_map(|(mut bytes, harms)| {
        for (place, byte, kind) in harms {
            let place = place.index(bytes.len().max(1));
            match kind {
                0 if !bytes.is_empty() => bytes[place] = byte,
                1 if !bytes.is_empty() => drop(bytes.remove(place)),
                _ => bytes.insert(place.min(bytes.len()), byte),
            }
        }
        bytes
    })
}
