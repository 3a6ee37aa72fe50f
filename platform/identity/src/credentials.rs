//! Access keys and the ids that IAM gives out.
//!
//! The shapes are those of "IAM identifiers" in the IAM user guide: a prefix that tells the kind, then letters and
//! digits of base 32. Random bytes are the caller's to supply.

use crate::account::AccountId;
use crate::principal::Principal;

/// What an access key's text says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessKeyKind {
    /// A user's or a root's own key: AKIA...
    LongTerm,
    /// A session's key, good only with its token: ASIA...
    Temporary,
    /// Twelve digits: in developer mode the root of that account.
    Account(AccountId),
    /// Any other text, such as `test`: in developer mode the root of the default account.
    Other,
}

impl AccessKeyKind {
    pub fn of(access_key: &str) -> Self {
        let is_issued = (16..=128).contains(&access_key.len());
        match AccountId::parse(access_key) {
            Some(account) => Self::Account(account),
            None if is_issued && access_key.starts_with("AKIA") => Self::LongTerm,
            None if is_issued && access_key.starts_with("ASIA") => Self::Temporary,
            None => Self::Other,
        }
    }
}

/// Whom a key that nobody declared stands for in developer mode.
pub fn developer_principal(access_key: &str) -> Principal {
    match AccessKeyKind::of(access_key) {
        AccessKeyKind::Account(account) => Principal::root(account),
        _ => Principal::root(AccountId::DEFAULT),
    }
}

/// The prefixes of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    AccessKey,
    TemporaryAccessKey,
    User,
    Role,
    Group,
    ManagedPolicy,
    ManagedPolicyVersion,
    InstanceProfile,
    ServerCertificate,
    PublicKey,
}

impl IdKind {
    pub fn prefix(self) -> &'static str {
        match self {
            Self::AccessKey => "AKIA",
            Self::TemporaryAccessKey => "ASIA",
            Self::User => "AIDA",
            Self::Role => "AROA",
            Self::Group => "AGPA",
            Self::ManagedPolicy => "ANPA",
            Self::ManagedPolicyVersion => "ANVA",
            Self::InstanceProfile => "AIPA",
            Self::ServerCertificate => "ASCA",
            Self::PublicKey => "APKA",
        }
    }
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// An id of twenty characters: the kind's prefix and eighty bits.
pub fn new_id(kind: IdKind, random: [u8; 10]) -> String {
    let mut id = String::with_capacity(20);
    id.push_str(kind.prefix());
    for group in random.chunks_exact(5) {
        let bits = group.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        for place in (0..8).rev() {
            id.push(char::from(BASE32[(bits >> (5 * place)) as usize & 31]));
        }
    }
    id
}

/// A secret of forty characters.
pub fn new_secret(random: [u8; 30]) -> String {
    let mut secret = String::with_capacity(40);
    for group in random.chunks_exact(3) {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        for place in (0..4).rev() {
            secret.push(char::from(BASE64[(bits >> (6 * place)) as usize & 63]));
        }
    }
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_kinds() {
        assert_eq!(AccessKeyKind::of("AKIAIOSFODNN7EXAMPLE"), AccessKeyKind::LongTerm);
        assert_eq!(AccessKeyKind::of("ASIAIOSFODNN7EXAMPLE"), AccessKeyKind::Temporary);
        assert_eq!(AccessKeyKind::of("AKIA"), AccessKeyKind::Other);
        assert_eq!(AccessKeyKind::of("test"), AccessKeyKind::Other);
        let account = AccountId::from_number(111_122_223_333).unwrap();
        assert_eq!(AccessKeyKind::of("111122223333"), AccessKeyKind::Account(account));
        assert_eq!(developer_principal("111122223333"), Principal::root(account));
        assert_eq!(developer_principal("test"), Principal::root(AccountId::DEFAULT));
    }

    #[test]
    fn ids_and_secrets_spell_their_random_bytes() {
        assert_eq!(new_id(IdKind::Role, [0; 10]), "AROAAAAAAAAAAAAAAAAA");
        assert_eq!(new_id(IdKind::AccessKey, [255; 10]), "AKIA7777777777777777");
        assert_eq!(new_id(IdKind::User, *b"hello12345"), "AIDANBSWY3DPGEZDGNBV");
        assert_eq!(new_secret([255; 30]), "/".repeat(40));
        assert_eq!(
            new_secret(*b"hello world, thirty bytes long"),
            "aGVsbG8gd29ybGQsIHRoaXJ0eSBieXRlcyBsb25n"
        );
    }
}
