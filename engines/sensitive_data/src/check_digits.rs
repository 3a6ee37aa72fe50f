//! The arithmetic by which numbers show that they were not made up.

/// The digits of a number, whatever stands between them.
fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|letter| letter.to_digit(10)).collect()
}

fn is_one_digit_repeated(digits: &[u32]) -> bool {
    digits.windows(2).all(|pair| pair[0] == pair[1])
}

fn luhn_sum(digits: &[u32]) -> u32 {
    let doubled = |(index, digit): (usize, &u32)| match index % 2 {
        0 => *digit,
        _ if *digit > 4 => digit * 2 - 9,
        _ => digit * 2,
    };
    digits.iter().rev().enumerate().map(doubled).sum()
}

/// ISO/IEC 7812: 13 to 19 digits.
pub(crate) fn card(text: &str) -> bool {
    let digits = digits(text);
    (13..=19).contains(&digits.len())
        && !is_one_digit_repeated(&digits)
        && luhn_sum(&digits).is_multiple_of(10)
}

/// 45 CFR 162.406: ten digits, with 80840 before them for the sum.
pub(crate) fn national_provider(text: &str) -> bool {
    let digits = digits(text);
    digits.len() == 10 && luhn_sum(&[&[8, 0, 8, 4, 0], digits.as_slice()].concat()).is_multiple_of(10)
}

/// ISO 13616: the number modulo 97 is 1 with the first four characters at the end and letters as 10 to 35.
pub(crate) fn iban(text: &str) -> bool {
    let letters: Vec<char> = text.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
    if !(15..=34).contains(&letters.len()) {
        return false;
    }
    let moved = letters[4..].iter().chain(&letters[..4]);
    let rest = moved.fold(0_u32, |rest, letter| match letter.to_digit(36) {
        Some(value) if value < 10 => (rest * 10 + value) % 97,
        Some(value) => (rest * 100 + value) % 97,
        None => rest,
    });
    rest == 1
}

/// Neither an area 000, 666 or from 900 on, nor a group or serial number of zeros.
pub(crate) fn us_social_security(text: &str) -> bool {
    let digits = digits(text);
    let number = |range: std::ops::Range<usize>| {
        digits.get(range).map_or(0, |part| part.iter().fold(0, |sum, digit| sum * 10 + digit))
    };
    let (area, group, serial) = (number(0..3), number(3..5), number(5..9));
    digits.len() == 9 && area != 0 && area != 666 && area < 900 && group != 0 && serial != 0
}

/// ISO 3779 as used in North America: the ninth character checks the others.
pub(crate) fn vehicle(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value = |letter: u8| match letter {
        b'0'..=b'9' => Some(u32::from(letter - b'0')),
        b'A'..=b'H' => Some(u32::from(letter - b'A') + 1),
        b'J'..=b'N' => Some(u32::from(letter - b'J') + 1),
        b'P' => Some(7),
        b'R' => Some(9),
        b'S'..=b'Z' => Some(u32::from(letter - b'S') + 2),
        _ => None,
    };
    let text = text.to_ascii_uppercase();
    let values: Option<Vec<u32>> = text.bytes().map(value).collect();
    let Some(values) = values.filter(|values| values.len() == 17 && values.iter().any(|value| *value != 0))
    else {
        return false;
    };
    let sum: u32 = values.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
    let expected = match sum % 11 {
        10 => 'X',
        digit => char::from_digit(digit, 10).unwrap_or('X'),
    };
    text.chars().nth(8) == Some(expected)
}

/// Brazil's numbers of persons: two digits modulo 11.
pub(crate) fn cpf(text: &str) -> bool {
    let digits = digits(text);
    let check = |count: usize| {
        let weights = (2..=count as u32 + 1).rev();
        let sum: u32 = digits[..count].iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
        sum * 10 % 11 % 10
    };
    digits.len() == 11 && !is_one_digit_repeated(&digits) && check(9) == digits[9] && check(10) == digits[10]
}

/// Brazil's numbers of companies: as [`cpf`], with weights from 2 to 9 from the end.
pub(crate) fn cnpj(text: &str) -> bool {
    let digits = digits(text);
    let check = |count: usize| {
        let weights = (2..=9).cycle();
        let sum: u32 = digits[..count].iter().rev().zip(weights).map(|(digit, weight)| digit * weight).sum();
        match sum % 11 {
            0 | 1 => 0,
            rest => 11 - rest,
        }
    };
    digits.len() == 14
        && !is_one_digit_repeated(&digits)
        && check(12) == digits[12]
        && check(13) == digits[13]
}

/// NHS numbers: ten digits, the last modulo 11.
pub(crate) fn nhs(text: &str) -> bool {
    let digits = digits(text);
    if digits.len() != 10 || is_one_digit_repeated(&digits) {
        return false;
    }
    let sum: u32 = digits[..9].iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    (11 - sum % 11) % 11 == digits[9]
}

/// Spain's DNI and NIE: the letter is the number modulo 23.
pub(crate) fn nif(text: &str) -> bool {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let text: String =
        text.to_ascii_uppercase().chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
    let number = match text.as_bytes().first() {
        Some(b'X') => text.replacen('X', "0", 1),
        Some(b'Y') => text.replacen('Y', "1", 1),
        Some(b'Z') => text.replacen('Z', "2", 1),
        _ => text,
    };
    let Some((number, letter)) = number.split_at_checked(8) else { return false };
    number.parse::<usize>().is_ok_and(|number| letter.as_bytes() == [LETTERS[number % 23]])
}

/// DEA numbers: the sum of the odd digits and twice the even ones ends with the last one.
pub(crate) fn drug_enforcement(text: &str) -> bool {
    let digits = digits(text);
    let [a, b, c, d, e, f, check] = digits[..] else { return false };
    (a + c + e + 2 * (b + d + f)) % 10 == check
}

/// Bytes of an IPv4 address are below 256, and IPv6 addresses are what the standard library takes.
pub(crate) fn ip_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

/// Keys of random bytes have letters of both cases and digits; words and hashes in hexadecimal do not.
pub(crate) fn random_key(text: &str) -> bool {
    let has = |test: fn(&char) -> bool| text.chars().any(|letter| test(&letter));
    has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) && has(char::is_ascii_digit)
}

pub(crate) fn anything(_: &str) -> bool {
    true
}
