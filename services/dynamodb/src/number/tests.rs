use super::*;
use proptest::prelude::*;

fn number(text: &str) -> Number {
    Number::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let actual = match Number::parse(text) {
        Ok(number) => number.to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(actual, expected, "{text}");
}

#[test]
fn text_is_canonical() {
    check("0", "0");
    check("-0.000", "0");
    check("+12", "12");
    check("007.500", "7.5");
    check(".5", "0.5");
    check("5.", "5");
    check("1e3", "1000");
    check("-1.5E-3", "-0.0015");
    check("100000000000000000000000000000000000000000", "100000000000000000000000000000000000000000");
    check("99999999999999999999999999999999999999", "99999999999999999999999999999999999999");
    check("0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001");
    check("18446744073709551615000000000", "18446744073709551615000000000");
}

#[test]
fn limits_are_named_as_aws_names_them() {
    const OVERFLOW: &str =
        "Number overflow. Attempting to store a number with magnitude larger than supported range";
    const UNDERFLOW: &str =
        "Number underflow. Attempting to store a number with magnitude smaller than supported range";
    check("1e126", OVERFLOW);
    check("-1e99999999999999999999", OVERFLOW);
    check("1e-131", UNDERFLOW);
    check(
        "100000000000000000000000000000000000001",
        "Attempting to store more than 38 significant digits in a Number",
    );
    check("", "The parameter cannot be converted to a numeric value");
    check("b", "The parameter cannot be converted to a numeric value: b");
    check("1..2", "The parameter cannot be converted to a numeric value: 1..2");
    check("1e", "The parameter cannot be converted to a numeric value: 1e");
    check(" 1", "The parameter cannot be converted to a numeric value:  1");
    check("-", "The parameter cannot be converted to a numeric value: -");
    assert_eq!(number("9.9999999999999999999999999999999999999E125").magnitude(), 125);
    assert_eq!(number("1E-130").magnitude(), -130);
    assert_eq!(number("0e500"), Number::ZERO);
}

#[test]
fn sizes_count_pairs_of_digits() {
    for (text, size) in
        [("0", 1), ("1", 2), ("27", 2), ("100", 2), ("-27", 3), ("123", 3), ("0.5", 2), ("1.5", 3)]
    {
        assert_eq!(number(text).size(), size, "{text}");
    }
}

#[track_caller]
fn check_sum(a: &str, b: &str, expected: &str) {
    let actual = match number(a).checked_add(&number(b)) {
        Ok(sum) => sum.to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(actual, expected, "{a} + {b}");
}

#[test]
fn sums_are_exact_or_refused() {
    check_sum("1", "2", "3");
    check_sum("0.1", "0.2", "0.3");
    check_sum("5", "-5", "0");
    check_sum("1e20", "-1", "99999999999999999999");
    check_sum("99999999999999999999999999999999999999", "1", "100000000000000000000000000000000000000");
    check_sum("1e50", "1", "Attempting to store more than 38 significant digits in a Number");
    check_sum(
        "1e125",
        "9e125",
        "Number overflow. Attempting to store a number with magnitude larger than supported range",
    );
    check_sum("1e125", "-1e-130", "Attempting to store more than 38 significant digits in a Number");
    check_sum("1e38", "-1", "99999999999999999999999999999999999999");
    assert_eq!(number("3").checked_sub(&number("5")).unwrap(), number("-2"));
    assert_eq!(Number::ZERO.checked_sub(&Number::ZERO).unwrap(), Number::ZERO);
}

fn any_number() -> impl Strategy<Value = Number> {
    let coefficient = prop_oneof![0u128..1000, 0u128..10u128.pow(38)];
    let exponent = prop_oneof![-3i32..4, -130i32..125];
    (any::<bool>(), coefficient, exponent)
        .prop_filter_map("within range", |(negative, coefficient, exponent)| {
            Number::normalised(negative, coefficient, exponent).ok()
        })
}

/// An independent model: a sign and decimal digits over a fixed point far to the right.
#[derive(Debug, PartialEq, Eq)]
struct Digits {
    negative: bool,
    /// Least significant first, unit 10^-180.
    digits: Vec<i32>,
}

const WIDTH: usize = 340;

fn model(number: &Number) -> Digits {
    let text = number.to_string();
    let body = text.trim_start_matches('-');
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    let mut digits = vec![0; WIDTH];
    for (i, c) in whole.bytes().rev().enumerate() {
        digits[180 + i] = i32::from(c - b'0');
    }
    for (i, c) in fraction.bytes().enumerate() {
        digits[179 - i] = i32::from(c - b'0');
    }
    Digits { negative: text.starts_with('-'), digits }
}

fn model_sum(a: &Digits, b: &Digits) -> Digits {
    let signed = |x: &Digits, i: usize| if x.negative { -x.digits[i] } else { x.digits[i] };
    let raw: Vec<i32> = (0..WIDTH).map(|i| signed(a, i) + signed(b, i)).collect();
    let negative = raw.iter().rev().find(|d| **d != 0).is_some_and(|d| *d < 0);
    let mut carry = 0;
    let digits = raw
        .iter()
        .map(|d| {
            let value = if negative { -d } else { *d } + carry;
            carry = value.div_euclid(10);
            value.rem_euclid(10)
        })
        .collect();
    Digits { negative, digits }
}

fn significant(digits: &Digits) -> usize {
    let used = |d: &&i32| **d != 0;
    match (digits.digits.iter().position(|d| used(&d)), digits.digits.iter().rposition(|d| used(&d))) {
        (Some(low), Some(high)) => high - low + 1,
        _ => 0,
    }
}

proptest! {
    #[test]
    fn text_round_trips(n in any_number()) {
        prop_assert_eq!(Number::parse(&n.to_string()).unwrap(), n);
    }

    #[test]
    fn parse_never_panics(text in "[-+0-9.eE ]{0,60}|.{0,20}") {
        let _ = Number::parse(&text);
    }

    #[test]
    fn row_form_round_trips(n in any_number(), tail in any::<Vec<u8>>()) {
        let mut bytes = Vec::new();
        n.encode_row(&mut bytes);
        bytes.extend_from_slice(&tail);
        prop_assert_eq!(Number::decode_row(&bytes), Some((n, &tail[..])));
        prop_assert_eq!(Number::skip_row(&bytes), Some(&tail[..]));
    }

    #[test]
    fn ordered_form_round_trips(n in any_number(), tail in any::<Vec<u8>>()) {
        let mut bytes = Vec::new();
        n.encode_ordered(&mut bytes);
        bytes.extend_from_slice(&tail);
        prop_assert_eq!(Number::decode_ordered(&bytes), Some((n, &tail[..])));
    }

    #[test]
    fn decoding_never_panics(bytes in any::<Vec<u8>>()) {
        let _ = Number::decode_row(&bytes);
        let _ = Number::decode_ordered(&bytes);
        let _ = Number::skip_row(&bytes);
    }

    #[test]
    fn ordered_form_sorts_as_numbers_do(a in any_number(), b in any_number()) {
        let encode = |n: &Number| { let mut out = Vec::new(); n.encode_ordered(&mut out); out };
        prop_assert_eq!(encode(&a).cmp(&encode(&b)), a.cmp(&b));
        // The model says the same: the sign of a - b.
        let (x, mut y) = (model(&a), model(&b));
        y.negative = !y.negative;
        let difference = model_sum(&x, &y);
        let expected = if significant(&difference) == 0 { Ordering::Equal }
            else if difference.negative { Ordering::Less } else { Ordering::Greater };
        prop_assert_eq!(a.cmp(&b), expected);
    }

    #[test]
    fn sums_agree_with_the_model(a in any_number(), b in any_number()) {
        let expected = model_sum(&model(&a), &model(&b));
        match a.checked_add(&b) {
            Ok(sum) => prop_assert_eq!(model(&sum), expected),
            Err(NumberError::TooManyDigits) => prop_assert!(significant(&expected) > 38),
            Err(NumberError::Overflow) => prop_assert!(expected.digits[180 + 126..].iter().any(|d| *d != 0)),
            Err(NumberError::Underflow) => prop_assert!(expected.digits[50..].iter().all(|d| *d == 0)),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
