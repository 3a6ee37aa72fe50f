//! What users prove themselves with beside access keys: passwords and second factors.

use std::num::NonZeroU32;

use ring::{hmac, pbkdf2};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::errors;
use crate::tables::Tags;

/// Rounds of PBKDF2 (RFC 8018) for a password.
const ROUNDS: NonZeroU32 = NonZeroU32::new(60_000).expect("it is not zero");
/// Passwords before the present one that are remembered at most: what a policy can ask for.
const MOST_FORMER: usize = 24;

/// A user's password, hashed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Login {
    pub created: Timestamp,
    pub must_reset: bool,
    /// Stays the user's from password to password, so that former ones can be told.
    pub salt: [u8; 16],
    pub hash: [u8; 32],
    pub changed: Timestamp,
    /// Hashes of the passwords before, the latest first.
    pub former: Vec<[u8; 32]>,
}

store::row!(Login, 1);

pub(crate) fn hash_password(salt: &[u8; 16], password: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, salt, password.as_bytes(), &mut hash);
    hash
}

impl Login {
    /// Takes another password, unless it was the user's lately.
    pub(crate) fn change(
        &mut self,
        hash: [u8; 32],
        policy: &PasswordPolicy,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let remembered = usize::try_from(policy.reuse_prevention.unwrap_or(0)).unwrap_or(0);
        if remembered > 0
            && (self.hash == hash || self.former.iter().take(remembered).any(|old| *old == hash))
        {
            let message =
                "Password has been used before. The account's password policy does not let it be used again";
            return Err(errors::password_refused(message));
        }
        self.former.insert(0, std::mem::replace(&mut self.hash, hash));
        self.former.truncate(MOST_FORMER);
        self.changed = now;
        Ok(())
    }
}

/// What an account asks of passwords.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PasswordPolicy {
    pub minimum_length: i32,
    pub require_symbols: bool,
    pub require_numbers: bool,
    pub require_uppercase: bool,
    pub require_lowercase: bool,
    pub allow_change: bool,
    pub max_age_days: Option<i32>,
    pub reuse_prevention: Option<i32>,
    pub hard_expiry: Option<bool>,
}

store::row!(PasswordPolicy, 1);

const SYMBOLS: &str = "!@#$%^&*()_+-=[]{}|'";

impl PasswordPolicy {
    pub(crate) fn check(&self, password: &str) -> Result<(), ApiError> {
        let length = usize::try_from(self.minimum_length).unwrap_or(0);
        let lacks = |is_wanted: bool, kind: fn(char) -> bool| is_wanted && !password.chars().any(kind);
        let missing = if password.chars().count() < length {
            format!("Password should have a minimum length of {length}")
        } else if lacks(self.require_uppercase, |letter| letter.is_ascii_uppercase()) {
            "Password should have at least one uppercase letter".to_owned()
        } else if lacks(self.require_lowercase, |letter| letter.is_ascii_lowercase()) {
            "Password should have at least one lowercase letter".to_owned()
        } else if lacks(self.require_numbers, |letter| letter.is_ascii_digit()) {
            "Password should have at least one number".to_owned()
        } else if lacks(self.require_symbols, |letter| SYMBOLS.contains(letter)) {
            "Password should have at least one symbol".to_owned()
        } else {
            return Ok(());
        };
        Err(errors::password_refused(missing))
    }
}

/// What AWS asks where the account says nothing: eight characters of three kinds ("Set an account password policy for
/// IAM users").
pub(crate) fn check_by_default(password: &str) -> Result<(), ApiError> {
    let kinds: [fn(char) -> bool; 4] = [
        |letter| letter.is_ascii_uppercase(),
        |letter| letter.is_ascii_lowercase(),
        |letter| letter.is_ascii_digit(),
        |letter| SYMBOLS.contains(letter),
    ];
    if password.chars().count() < 8 {
        return Err(errors::password_refused("Password should have a minimum length of 8"));
    }
    if kinds.into_iter().filter(|kind| password.chars().any(kind)).count() < 3 {
        let message =
            "Password should have at least three of: uppercase letters, lowercase letters, numbers, symbols";
        return Err(errors::password_refused(message));
    }
    Ok(())
}

/// A virtual second factor: time-based one-time passwords (RFC 6238) of six digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MfaDevice {
    pub seed: [u8; 20],
    pub created: Timestamp,
    pub enabled: Option<Timestamp>,
    /// ARN of the user or root that it is enabled for, and the user's name.
    pub owner: Option<String>,
    pub user: Option<String>,
    /// The step of the code that was taken last: a code opens once.
    pub last_step: i64,
    pub tags: Tags,
}

store::row!(MfaDevice, 1);

const STEP_SECONDS: i64 = 30;
/// Steps that a device's clock may be off.
const TOLERANCE: i64 = 2;

impl MfaDevice {
    fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.seed);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let bytes = tag.as_ref();
        let offset = usize::from(bytes.last().copied().unwrap_or_default() & 0x0F);
        let word = bytes[offset..offset + 4].iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        format!("{:06}", (word & 0x7FFF_FFFF) % 1_000_000)
    }

    /// The step of a code at `now` in seconds; nothing when it is wrong, too old, or was taken before.
    pub(crate) fn step_of(&self, code: &str, now: i64) -> Option<i64> {
        let step = now.div_euclid(STEP_SECONDS);
        let mut steps = step - TOLERANCE..=step + TOLERANCE;
        steps.find(|step| *step > self.last_step && self.code(*step) == code)
    }

    /// The step of the second of two codes, which have to follow each other.
    pub(crate) fn step_of_pair(&self, first: &str, second: &str, now: i64, tolerance: i64) -> Option<i64> {
        let step = now.div_euclid(STEP_SECONDS);
        let mut steps = step - tolerance..=step + tolerance;
        let first = steps.find(|step| self.code(*step) == first && self.code(*step + 1) == second)?;
        Some(first + 1)
    }

    /// The seed in base 32 (RFC 4648), as authenticators take it.
    pub(crate) fn seed_text(&self) -> String {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut text = String::with_capacity(32);
        for group in self.seed.chunks_exact(5) {
            let bits = group.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
            text.extend((0..8).rev().map(|place| char::from(LETTERS[(bits >> (5 * place)) as usize & 31])));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use shapes::Timestamp;

    use super::{MfaDevice, Tags, check_by_default};

    #[test]
    fn codes_are_those_of_rfc_6238() {
        let device = MfaDevice {
            seed: *b"12345678901234567890",
            created: Timestamp::from_seconds(0),
            enabled: None,
            owner: None,
            user: None,
            last_step: i64::MIN,
            tags: Tags::new(),
        };
        // Appendix B of the RFC, of whose eight digits these are the last six.
        for (now, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(device.step_of(code, now), Some(now / 30), "{now}");
            assert_eq!(device.step_of(code, now + 300), None, "{now}");
        }
        assert_eq!(device.step_of_pair("287082", &device.code(2), 59, 1), Some(2));
        assert_eq!(device.seed_text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let used = MfaDevice { last_step: 1, ..device };
        assert_eq!(used.step_of("287082", 59), None);
    }

    #[test]
    fn passwords_have_three_kinds_of_letters() {
        assert!(check_by_default("Passw0rd").is_ok());
        for refused in ["Passw0r", "password", "Password", "passw0rd"] {
            assert!(check_by_default(refused).is_err(), "{refused}");
        }
    }
}
