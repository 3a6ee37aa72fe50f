//! Requests that are whole, that come in pieces, and that are none.

use dax_wire::{
    Decoder, Expressions, Frame, Greeting, KeyKind, KeyPart, KeySchema, Projection, Request,
    decode_attributes, decode_compound_key, decode_item, decode_key, decode_value, maximum_request_bytes,
    request_length,
};
use proptest::collection::vec;
use proptest::prelude::*;
use shapes::Map;

use crate::generated::{
    BATCH_GET, BATCH_WRITE, DEFINE_LIST_ID, GET, UPDATE, broken_requests, encoded, request, requests,
};

/// Everything that reads bytes of a client is given these, as its own argument.
fn read_every_way(bytes: &[u8]) {
    let _ = Greeting::read(bytes);
    let _ = request_length(bytes);
    let _ = maximum_request_bytes(bytes);
    let _ = Request::read(bytes);
    let _ = decode_value(&mut Decoder::new(bytes));
    let _ = decode_compound_key(bytes);
    let _ = Projection::parse(bytes).map(|projection| projection.encode(&Map::new(), true));
    let _ = Expressions::default().condition(bytes);
    let _ = Expressions::default().update(bytes);
    let names = ["a".to_owned(), "b".to_owned()];
    if let Ok((_, values)) = decode_attributes(bytes) {
        let _ = decode_item(&names, values, &mut Map::new());
    }
    let part = |name: &str, kind| KeyPart { name: name.to_owned(), kind };
    for hash in [KeyKind::Text, KeyKind::Number, KeyKind::Binary] {
        let schema = KeySchema { hash: part("h", hash), range: None };
        let _ = decode_key(&schema, bytes);
        for range in [KeyKind::Text, KeyKind::Number, KeyKind::Binary] {
            let schema = KeySchema { hash: part("h", hash), range: Some(part("r", range)) };
            let _ = decode_key(&schema, bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn nothing_panics_whatever_comes(bytes in vec(any::<u8>(), 0..200)) {
        read_every_way(&bytes);
    }

    #[test]
    fn nothing_panics_when_what_comes_is_cbor(bytes in encoded()) {
        read_every_way(&bytes);
    }

    #[test]
    fn nothing_panics_when_requests_are_broken(bytes in broken_requests()) {
        read_every_way(&bytes);
        // What a frame is said to be long is what is read of it.
        if let Ok(Some(length)) = request_length(&bytes) {
            prop_assert!(length <= bytes.len());
            let _ = Request::read(&bytes[..length]);
        }
    }

    #[test]
    fn a_request_is_whole_at_its_last_byte_and_not_before(bytes in requests(), more in vec(any::<u8>(), 0..20)) {
        for length in 0..bytes.len() {
            prop_assert_eq!(request_length(&bytes[..length]), Ok(None), "at {} of {}", length, bytes.len());
        }
        let mut stream = bytes.clone();
        stream.extend(more);
        prop_assert_eq!(request_length(&stream), Ok(Some(bytes.len())));
        prop_assert!(Request::read(&bytes).is_ok());
    }

    #[test]
    fn pieces_make_the_same_requests(
        bytes in prop_oneof![requests(), broken_requests()],
        pieces in vec(1..30_usize, 1..40),
    ) {
        let mut frame = Frame::default();
        let (mut end, mut outcome) = (0_usize, Ok(None));
        for piece in pieces.into_iter().chain([usize::MAX]) {
            end = bytes.len().min(end.saturating_add(piece));
            outcome = frame.length(&bytes[..end]);
            if outcome != Ok(None) {
                break;
            }
        }
        prop_assert_eq!(outcome, request_length(&bytes));
    }
}

#[test]
fn lengths_that_nothing_backs_take_no_memory() {
    // An array, a map, bytes and text of 2^63 entries each.
    for major in [2_u8, 3, 4, 5] {
        let mut head = vec![major << 5 | 27];
        head.extend((1_u64 << 63).to_be_bytes());
        head.extend([0xF6; 64]);
        read_every_way(&head);
        let mut bytes = request(GET, |_| ());
        bytes.extend(&head);
        assert_eq!(request_length(&bytes), Ok(None), "{major}");
    }
}

#[test]
fn values_that_lie_too_deep_are_refused() {
    for opening in [0x81_u8, 0x9F, 0xC4] {
        let bytes = vec![opening; 200_000];
        read_every_way(&bytes);
        assert!(decode_value(&mut Decoder::new(&bytes)).is_err(), "{opening:x}");
        let mut request = request(UPDATE, |out| {
            out.bytes(b"orders");
            out.bytes(b"key");
        });
        request.extend(bytes);
        assert!(request_length(&request).is_err(), "{opening:x}");
    }
    // The same within bytes, which only expressions look into.
    let mut tree = vec![0x83, 0x01];
    tree.extend([0x82, 0x08].repeat(50_000));
    assert!(Expressions::default().condition(&tree).is_err());
}

#[test]
fn a_few_bytes_do_not_become_many_values() {
    // A list of four million nulls, each a byte, would be as many values.
    let mut list = vec![0x9A];
    list.extend(4_000_000_u32.to_be_bytes());
    list.extend(vec![0xF6; 4_000_000]);
    assert!(decode_value(&mut Decoder::new(&list)).is_err());
    let keys = request(BATCH_GET, |out| {
        out.map(1);
        out.bytes(b"orders");
        out.array(3);
        out.boolean(false);
        out.null();
        out.array(1_000_000);
        (0..1_000_000).for_each(|_| out.bytes(b""));
        out.null();
    });
    assert_eq!(request_length(&keys), Ok(Some(keys.len())));
    assert!(Request::read(&keys).is_err());
    let names = request(DEFINE_LIST_ID, |out| {
        out.array(1_000_000);
        (0..1_000_000).for_each(|_| out.text(""));
    });
    assert!(Request::read(&names).is_err());
}

#[test]
fn requests_of_several_items_may_be_larger_than_those_of_one() {
    let [one, several] = [GET, BATCH_WRITE].map(|method| maximum_request_bytes(&request(method, |_| ())));
    assert!(one >= 2 << 20 && several >= 16 << 20 && one < several, "{one} {several}");
    // Of what nothing is known yet, the less.
    assert_eq!(maximum_request_bytes(&[]), one);
}
