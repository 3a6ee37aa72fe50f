//! Random passwords (API Reference, GetRandomPassword).

use cloud::Ids;
use secretsmanager_api::GetRandomPasswordInput;
use shapes::ApiError;

use crate::errors;

const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NUMBERS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
const USUAL_LENGTH: i64 = 32;
const LONGEST: usize = 4096;

pub(crate) fn random(ids: &Ids, input: &GetRandomPasswordInput) -> Result<String, ApiError> {
    let excluded = input.exclude_characters.as_deref().unwrap_or_default();
    let kept = |all: &str, is_excluded: Option<bool>| -> Vec<u8> {
        if is_excluded == Some(true) {
            return Vec::new();
        }
        all.bytes().filter(|byte| !excluded.as_bytes().contains(byte)).collect()
    };
    let space = if input.include_space == Some(true) { " " } else { "" };
    let kinds: Vec<Vec<u8>> = [
        kept(LOWERCASE, input.exclude_lowercase),
        kept(UPPERCASE, input.exclude_uppercase),
        kept(NUMBERS, input.exclude_numbers),
        kept(PUNCTUATION, input.exclude_punctuation),
        kept(space, None),
    ]
    .into_iter()
    .filter(|kind| !kind.is_empty())
    .collect();
    let all = kinds.concat();
    if all.is_empty() {
        return Err(errors::invalid_parameter(
            "The specified exclusions leave no characters for the password.",
        ));
    }
    let length = usize::try_from(input.password_length.unwrap_or(USUAL_LENGTH)).unwrap_or(0);
    let required = if input.require_each_included_type == Some(false) { 0 } else { kinds.len() };
    if length < required || length > LONGEST {
        return Err(errors::invalid_parameter(format!(
            "The password length must be at least {required} and at most {LONGEST}."
        )));
    }
    let mut password: Vec<u8> = kinds.iter().take(required).map(|kind| kind[ids.below(kind.len())]).collect();
    while password.len() < length {
        password.push(all[ids.below(all.len())]);
    }
    // The ones of each kind came first; anywhere is as likely (Knuth, "Seminumerical Algorithms", algorithm P).
    for index in (1..password.len()).rev() {
        password.swap(index, ids.below(index + 1));
    }
    Ok(password.into_iter().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use cloud::Ids;
    use secretsmanager_api::GetRandomPasswordInput;

    use super::random;

    #[test]
    fn a_password_has_each_kind_and_nothing_excluded() {
        let ids = Ids::seeded(1);
        for _ in 0..50 {
            let input = GetRandomPasswordInput {
                password_length: Some(5),
                include_space: Some(true),
                exclude_characters: Some("aB1!".to_owned()),
                ..Default::default()
            };
            let password = random(&ids, &input).unwrap();
            assert_eq!(password.len(), 5);
            let kinds: [fn(char) -> bool; 5] = [
                |c| c.is_ascii_lowercase(),
                |c| c.is_ascii_uppercase(),
                |c| c.is_ascii_digit(),
                |c| c.is_ascii_punctuation(),
                |c| c == ' ',
            ];
            assert!(kinds.iter().all(|kind| password.chars().any(kind)), "{password}");
            assert!(!password.contains(['a', 'B', '1', '!']), "{password}");
        }
        let short = GetRandomPasswordInput { password_length: Some(3), ..Default::default() };
        assert!(random(&ids, &short).is_err());
    }
}
