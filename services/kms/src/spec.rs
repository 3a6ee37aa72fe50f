//! What a key is made for: its spec, its usage, and the algorithms that follow from both (Developer Guide, "Key spec
//! reference").

use serde::{Deserialize, Serialize};

macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub(crate) enum $type { $($variant),* }

        impl $type {
            pub(crate) fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

pub(crate) use names;

names! {
    /// The kind of a key's material.
    KeySpec {
        Symmetric = "SYMMETRIC_DEFAULT",
        Rsa2048 = "RSA_2048",
        Rsa3072 = "RSA_3072",
        Rsa4096 = "RSA_4096",
        P256 = "ECC_NIST_P256",
        P384 = "ECC_NIST_P384",
        P521 = "ECC_NIST_P521",
        K256 = "ECC_SECG_P256K1",
        Hmac224 = "HMAC_224",
        Hmac256 = "HMAC_256",
        Hmac384 = "HMAC_384",
        Hmac512 = "HMAC_512",
    }
}

names! {
    /// What a key may be used for. It never changes.
    KeyUsage {
        EncryptDecrypt = "ENCRYPT_DECRYPT",
        SignVerify = "SIGN_VERIFY",
        GenerateVerifyMac = "GENERATE_VERIFY_MAC",
        KeyAgreement = "KEY_AGREEMENT",
    }
}

names! {
    /// Where a key's material comes from.
    Origin { Kms = "AWS_KMS", External = "EXTERNAL" }
}

/// The families of key specs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Symmetric,
    Rsa,
    Ecc,
    Hmac,
}

impl KeySpec {
    pub(crate) fn family(self) -> Family {
        match self {
            Self::Symmetric => Family::Symmetric,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => Family::Rsa,
            Self::P256 | Self::P384 | Self::P521 | Self::K256 => Family::Ecc,
            Self::Hmac224 | Self::Hmac256 | Self::Hmac384 | Self::Hmac512 => Family::Hmac,
        }
    }

    /// Bytes of the material of specs that are plain random bytes.
    pub(crate) fn secret_length(self) -> Option<usize> {
        match self {
            Self::Symmetric | Self::Hmac256 => Some(32),
            Self::Hmac224 => Some(28),
            Self::Hmac384 => Some(48),
            Self::Hmac512 => Some(64),
            _ => None,
        }
    }

    pub(crate) fn rsa_bits(self) -> Option<usize> {
        match self {
            Self::Rsa2048 => Some(2048),
            Self::Rsa3072 => Some(3072),
            Self::Rsa4096 => Some(4096),
            _ => None,
        }
    }

    /// Whether a key of this spec may have that usage.
    pub(crate) fn allows(self, usage: KeyUsage) -> bool {
        match self.family() {
            Family::Symmetric => usage == KeyUsage::EncryptDecrypt,
            Family::Hmac => usage == KeyUsage::GenerateVerifyMac,
            Family::Rsa => matches!(usage, KeyUsage::EncryptDecrypt | KeyUsage::SignVerify),
            Family::Ecc if self == Self::K256 => usage == KeyUsage::SignVerify,
            Family::Ecc => matches!(usage, KeyUsage::SignVerify | KeyUsage::KeyAgreement),
        }
    }

    pub(crate) fn encryption_algorithms(self, usage: KeyUsage) -> &'static [&'static str] {
        match (usage, self.family()) {
            (KeyUsage::EncryptDecrypt, Family::Symmetric) => &["SYMMETRIC_DEFAULT"],
            (KeyUsage::EncryptDecrypt, _) => &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"],
            _ => &[],
        }
    }

    pub(crate) fn signing_algorithms(self, usage: KeyUsage) -> &'static [&'static str] {
        if usage != KeyUsage::SignVerify {
            return &[];
        }
        match self {
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => &[
                "RSASSA_PKCS1_V1_5_SHA_256",
                "RSASSA_PKCS1_V1_5_SHA_384",
                "RSASSA_PKCS1_V1_5_SHA_512",
                "RSASSA_PSS_SHA_256",
                "RSASSA_PSS_SHA_384",
                "RSASSA_PSS_SHA_512",
            ],
            Self::P256 | Self::K256 => &["ECDSA_SHA_256"],
            Self::P384 => &["ECDSA_SHA_384"],
            Self::P521 => &["ECDSA_SHA_512"],
            _ => &[],
        }
    }

    pub(crate) fn mac_algorithms(self) -> &'static [&'static str] {
        match self {
            Self::Hmac224 => &["HMAC_SHA_224"],
            Self::Hmac256 => &["HMAC_SHA_256"],
            Self::Hmac384 => &["HMAC_SHA_384"],
            Self::Hmac512 => &["HMAC_SHA_512"],
            _ => &[],
        }
    }

    pub(crate) fn agreement_algorithms(self, usage: KeyUsage) -> &'static [&'static str] {
        if usage == KeyUsage::KeyAgreement { &["ECDH"] } else { &[] }
    }
}
