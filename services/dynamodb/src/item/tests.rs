use super::*;
use bytes::Bytes;
use proptest::prelude::*;

/// Every type once.
fn sample() -> Item {
    let map = BTreeMap::from([("x".to_owned(), Value::L(vec![Value::Null, Value::string("deep")]))]);
    [
        ("b", Value::B(Bytes::from_static(&[0, 255]))),
        ("bs", Value::binary_set(vec![Bytes::from_static(b"q"), Bytes::from_static(b"p")]).unwrap()),
        ("f", Value::Bool(false)),
        ("id", Value::string("k1")),
        ("m", Value::M(map)),
        ("n", Value::number("-12.5").unwrap()),
        ("ns", Value::number_set(&["3", "1e10"]).unwrap()),
        ("ss", Value::string_set(vec!["one".into(), "two".into()]).unwrap()),
        ("t", Value::Bool(true)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A row of version 1 as it lies on disks: these bytes must be read for ever.
const STORED_VERSION_1: &str = "0132000000090162030200ff0262730605000000020170017101660a02696401026b31016d071000\
    000001017808080000000209010464656570016e02c1ffff7d026e730507000000020103410a0001\
    027373040900000002036f6e650374776f01740b";

#[test]
fn a_stored_sample_is_still_read() {
    let row = sample().encode();
    assert_eq!(hex(&row), STORED_VERSION_1);
    assert_eq!(Item::decode(&row), Ok(sample()));
    assert_eq!(ItemRow::new(&row).unwrap().size(), sample().size());
}

#[test]
fn single_attributes_are_read_past_the_others() {
    let row = sample().encode();
    let row = ItemRow::new(&row).unwrap();
    assert_eq!(row.get("t"), Ok(Some(Value::Bool(true))));
    assert_eq!(row.get("id"), Ok(Some(Value::string("k1"))));
    assert_eq!(row.get("a"), Ok(None));
    assert_eq!(row.get("zz"), Ok(None));
    assert_eq!(row.only(|name| name.len() == 2).unwrap(), sample().only(["bs", "id", "ns", "ss"]));
}

#[test]
fn later_versions_and_damage_are_told_apart() {
    assert_eq!(Item::decode(&[9, 0]), Err(RowError::UnknownVersion(9)));
    assert_eq!(Item::decode(&[]), Err(RowError::Damaged));
    let mut row = sample().encode();
    row.pop();
    assert_eq!(Item::decode(&row), Err(RowError::Damaged));
    row.extend_from_slice(&[11, 11]);
    assert_eq!(Item::decode(&row), Err(RowError::Damaged));
}

#[test]
fn four_hundred_kilobytes_is_the_limit() {
    let item = |bytes: usize| Item::from_iter([("a".to_owned(), Value::S("x".repeat(bytes)))]);
    assert_eq!(item(MAX_SIZE - 1).check(), Ok(()));
    assert_eq!(
        item(MAX_SIZE).check().unwrap_err().to_string(),
        "Item size has exceeded the maximum allowed size"
    );
    assert_eq!(item(MAX_SIZE).check_updated(), Err(ItemError::UpdateTooLarge));
}

pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        ".{0,8}".prop_map(Value::S),
        (any::<i64>(), -20i32..20).prop_map(|(n, e)| Value::number(&format!("{n}e{e}")).unwrap()),
        any::<Vec<u8>>().prop_map(|bytes| Value::B(bytes.into())),
        proptest::collection::btree_set(".{0,4}", 1..4)
            .prop_map(|set| Value::string_set(set.into_iter().collect()).unwrap()),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::L),
            proptest::collection::btree_map("[a-c]{0,2}", inner, 0..5).prop_map(Value::M),
        ]
    })
}

proptest! {
    #[test]
    fn rows_round_trip(attributes in proptest::collection::btree_map("[a-e]{1,2}", any_value(), 0..6)) {
        let item = Item::from(attributes);
        let row = item.encode();
        prop_assert_eq!(Item::decode(&row), Ok(item.clone()));
        let view = ItemRow::new(&row).unwrap();
        for (name, value) in item.iter() {
            prop_assert_eq!(view.get(name), Ok(Some(value.clone())));
        }
    }

    #[test]
    fn damage_never_panics(at in any::<usize>(), byte in any::<u8>(), cut in any::<usize>()) {
        let mut row = sample().encode();
        let length = row.len();
        row[at % length] = byte;
        row.truncate(1 + cut % length);
        let _ = Item::decode(&row);
        if let Ok(view) = ItemRow::new(&row) {
            let _ = view.get("t");
        }
    }
}
