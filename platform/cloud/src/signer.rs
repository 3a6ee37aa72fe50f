//! Whose signature a request carries.

use std::sync::Arc;

use identity::sigv4::{
    Authentication, Form, KeyCache, PathRule, Payload, RequestView, SignatureError, Verified,
};
use shapes::ApiError;

use crate::{Cloud, Credential};

/// Why a request is not taken for its signer's.
#[derive(Debug)]
pub enum SignerError {
    Signature(SignatureError),
    /// It could not be found out.
    Directory(ApiError),
}

impl From<SignatureError> for SignerError {
    fn from(error: SignatureError) -> Self {
        Self::Signature(error)
    }
}

impl From<ApiError> for SignerError {
    fn from(error: ApiError) -> Self {
        Self::Directory(error)
    }
}

impl Cloud {
    /// Checks the signature of a request and the credential behind it. Nothing when the key is one that nobody was given,
    /// which a region that is not strict leaves to the caller to judge.
    pub fn signer(
        &self,
        keys: &KeyCache,
        authentication: &Authentication<'_>,
        view: &RequestView<'_>,
        payload: Payload<'_>,
        rule: PathRule,
    ) -> Result<Option<(Arc<Credential>, Verified)>, SignerError> {
        let wall = self.wall_seconds();
        let Some(credential) = self.directory()?.credential(&authentication.access_key)? else {
            if self.settings().is_strict {
                return Err(SignatureError::InvalidToken.into());
            }
            // A URL's time is over for anybody.
            if let Form::Presigned { expires_seconds } = authentication.form
                && authentication.signed_at + expires_seconds < wall
            {
                let expired_at = authentication.signed_at + expires_seconds;
                return Err(SignatureError::RequestExpired { expired_at, now: wall }.into());
            }
            return Ok(None);
        };
        self.check_token(&credential, authentication.token.as_deref())?;
        let secret = &credential.secret_access_key;
        let verified = authentication.verify(view, payload, secret, rule, wall, keys)?;
        Ok(Some((credential, verified)))
    }

    /// Refuses a credential that may not be used, or came without the token that belongs to it.
    pub fn check_token(&self, credential: &Credential, sent: Option<&str>) -> Result<(), SignatureError> {
        if !credential.is_active || !is_same_token(credential.session_token.as_deref(), sent) {
            return Err(SignatureError::InvalidToken);
        }
        if credential.expires.is_some_and(|expires| expires <= self.clock().now()) {
            return Err(SignatureError::ExpiredToken);
        }
        Ok(())
    }

    /// Epoch seconds of the machine's clock, which is the client's, whatever the region's was advanced by.
    pub fn wall_seconds(&self) -> i64 {
        self.clock().now().seconds() - self.clock().offset().as_secs() as i64
    }
}

fn is_same_token(issued: Option<&str>, sent: Option<&str>) -> bool {
    match (issued, sent) {
        (Some(issued), Some(sent)) => {
            // In time that does not tell where they differ.
            issued.len() == sent.len()
                && issued.bytes().zip(sent.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
        }
        (None, None) => true,
        _ => false,
    }
}
