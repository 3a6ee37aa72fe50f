//! AssumeRoleWithWebIdentity: temporary credentials of a role for somebody whom an OpenID Connect provider knows.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use identity::{Principal, Session};
use shapes::ApiError;
use sts_api::op::AssumeRoleWithWebIdentity;
use sts_api::{AssumeRoleWithWebIdentityInput, AssumeRoleWithWebIdentityOutput};

use super::assume_role::{Asked, seconds};
use crate::provider::{OidcProvider, arn, host_of};
use crate::sts::session::SessionDraft;
use crate::sts::web_token::{WebToken, invalid};
use crate::tables::{OIDC_PROVIDERS, account_scope};
use crate::trust::parse_role_arn;
use crate::{Iam, errors};

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

impl Iam {
    /// The provider that a token says it comes from, if the role's account takes its word.
    fn provider_of(&self, role_arn: &str, issuer: &str) -> Result<OidcProvider, ApiError> {
        let (account, _) =
            parse_role_arn(role_arn).ok_or_else(|| errors::invalid(format!("{role_arn} is invalid")))?;
        let mut rows = self.cloud.store().read(&account_scope(account))?;
        let provider = OIDC_PROVIDERS.find(&mut rows, &host_of(issuer).to_owned())?;
        let not_found = || invalid(format!("No OpenIDConnect provider found in your account for {issuer}"));
        provider.ok_or_else(not_found)
    }
}

/// The application that a token was made for, where the provider knows it: its authorized party, or else the audience.
fn audience(token: &WebToken<'_>, provider: &OidcProvider) -> Result<String, ApiError> {
    let audiences = match token.claim("azp") {
        Some(party) => vec![party],
        None => token.audiences(),
    };
    let is_known = |audience: &&&str| provider.client_ids.iter().any(|id| id == **audience);
    let audience = audiences.iter().find(is_known);
    audience.map(|audience| (*audience).to_owned()).ok_or_else(|| invalid("Incorrect token audience"))
}

/// What trust policies may ask about a token: `PROVIDER:aud` and its kin ("IAM and AWS STS condition context keys").
fn condition_keys(token: &WebToken<'_>, host: &str, audience: &str) -> Vec<(String, Vec<String>)> {
    let key = |name: &str, values: Vec<String>| (format!("{}:{name}", host.to_ascii_lowercase()), values);
    let mut keys = vec![key("aud", vec![audience.to_owned()])];
    if token.claim("azp").is_some() {
        keys.push(key("oaud", token.audiences().into_iter().map(str::to_owned).collect()));
    }
    for name in ["sub", "email", "amr"] {
        keys.extend(token.claim(name).map(|value| key(name, vec![value.to_owned()])));
    }
    keys
}

impl Handle<AssumeRoleWithWebIdentity> for Iam {
    /// The token and the role's trust policy decide; nobody signs the request.
    fn guard(&self, _: &Ctx, _: &AssumeRoleWithWebIdentityInput) -> Result<Guard, ApiError> {
        Ok(Guard::open())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: AssumeRoleWithWebIdentityInput,
    ) -> Result<AssumeRoleWithWebIdentityOutput, ApiError> {
        let token = WebToken::parse(&input.web_identity_token)?;
        let (issuer, subject) = (token.issuer()?.to_owned(), token.subject()?.to_owned());
        let provider = self.provider_of(&input.role_arn, &issuer)?;
        let audience = audience(&token, &provider)?;
        // Providers' clocks are the machine's, whatever the region's was advanced by.
        let ahead = i64::try_from(self.cloud.clock().offset().as_secs()).unwrap_or_default();
        token.check_time(ctx.now().seconds() - ahead)?;
        self.key_sets.verify(&provider.url, &token, ctx.now()).await?;
        let role = self.find_role(&input.role_arn)?.ok_or_else(|| errors::may_not_federate(ACTION))?;
        let host = host_of(&provider.url);
        let provider_arn = arn(role.account, host);
        let tags = token.session_tags()?;
        let mut keys = condition_keys(&token, host, &audience);
        keys.extend(tags.condition_keys());
        keys.push(("sts:rolesessionname".to_owned(), vec![input.role_session_name.clone()]));
        keys.push(("aws:federatedprovider".to_owned(), vec![provider_arn.clone()]));
        let source_identity = token.source_identity().map(str::to_owned);
        keys.extend(source_identity.clone().map(|id| ("sts:sourceidentity".to_owned(), vec![id])));
        let somebody =
            Principal::Federated { provider: provider_arn.as_str().into(), subject: subject.as_str().into() };
        let source = source_identity.as_deref();
        let asked = Asked { arn: &input.role_arn, keys, tags: &tags, source_identity: source };
        asked.check(ctx, &role, &somebody, ACTION)?;
        let seconds = seconds(&role.role, input.duration_seconds)?;
        let policies =
            self.session_policies(role.account, input.policy.as_ref(), input.policy_arns.as_ref(), &tags)?;
        let (principal, user) = role.session(&input.role_session_name);
        let facts = Session {
            source_identity: source_identity.clone().map(Into::into),
            federated_provider: Some(provider_arn.into()),
            ..Session::default()
        };
        let session = SessionDraft::new(ctx, principal, seconds, policies.documents, tags, facts);
        let own = ctx.clone();
        let credentials = ctx.write(move |tx| Ok::<_, ApiError>(session.begin(&own, tx))).await?;
        Ok(AssumeRoleWithWebIdentityOutput {
            credentials: Some(credentials),
            subject_from_web_identity_token: Some(subject),
            assumed_role_user: Some(user),
            packed_policy_size: policies.packed_size,
            provider: Some(issuer),
            audience: Some(audience),
            source_identity,
        })
    }
}
