//! The facts of a request that conditions and variables refer to.

use std::net::IpAddr;

use crate::principal::{Principal, Session};
use crate::timestamp::format_iso8601;

/// Values by condition key. Keys compare without case; a key may have several values, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextKeys {
    /// Few enough to search in order. Keys are in small letters.
    entries: Vec<(Box<str>, Vec<String>)>,
}

impl ContextKeys {
    /// Gives the key this one value.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.set_all(key, vec![value.into()]);
    }

    /// Gives the key these values; an empty list is a key that is there without values.
    pub fn set_all(&mut self, key: &str, values: Vec<String>) {
        let key = key.to_ascii_lowercase();
        match self.entries.iter_mut().find(|(name, _)| **name == *key) {
            Some((_, old)) => *old = values,
            None => self.entries.push((key.into(), values)),
        }
    }

    /// Adds a value to those of the key.
    pub fn add(&mut self, key: &str, value: impl Into<String>) {
        let key = key.to_ascii_lowercase();
        match self.entries.iter_mut().find(|(name, _)| **name == *key) {
            Some((_, values)) => values.push(value.into()),
            None => self.entries.push((key.into(), vec![value.into()])),
        }
    }

    /// The values of a key given in small letters; nothing when the request has no such key.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.entries.iter().find(|(name, _)| **name == *key).map(|(_, values)| values.as_slice())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.entries.iter().map(|(key, values)| (&**key, values.as_slice()))
    }

    fn set_if(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }
}

/// What the gateway knows of a request beside its caller.
#[derive(Clone, Debug, Default)]
pub struct RequestFacts<'a> {
    /// Epoch seconds.
    pub now: i64,
    /// Nothing for calls that a service makes.
    pub source_ip: Option<IpAddr>,
    pub secure_transport: bool,
    pub user_agent: Option<&'a str>,
    pub region: &'a str,
    /// The resource on whose behalf a service principal calls.
    pub source_arn: Option<&'a str>,
    pub source_account: Option<&'a str>,
    /// The services between the principal and this call, first caller first. Not empty means that a service calls
    /// with the principal's own permissions.
    pub called_via: &'a [&'a str],
}

/// The global keys ("AWS global condition context keys") that follow from the caller and the request.
pub fn global_keys(principal: &Principal, session: &Session, facts: &RequestFacts<'_>) -> ContextKeys {
    let mut keys = ContextKeys { entries: Vec::with_capacity(20) };
    keys.set("aws:currenttime", format_iso8601(facts.now));
    keys.set("aws:epochtime", facts.now.to_string());
    keys.set("aws:securetransport", bool_text(facts.secure_transport));
    if let Some(address) = facts.source_ip {
        keys.set("aws:sourceip", address.to_canonical().to_string());
    }
    keys.set_if("aws:useragent", facts.user_agent);
    keys.set_if("aws:requestedregion", Some(facts.region).filter(|region| !region.is_empty()));
    keys.set_if("aws:sourcearn", facts.source_arn);
    keys.set_if("aws:sourceaccount", facts.source_account);
    add_call_chain(&mut keys, facts.called_via);
    add_principal(&mut keys, principal);
    add_session(&mut keys, session, facts.now);
    keys
}

fn add_call_chain(keys: &mut ContextKeys, called_via: &[&str]) {
    keys.set("aws:viaawsservice", bool_text(!called_via.is_empty()));
    if let [first, ..] = called_via {
        keys.set_all("aws:calledvia", called_via.iter().map(|name| (*name).to_owned()).collect());
        keys.set("aws:calledviafirst", *first);
        keys.set_if("aws:calledvialast", called_via.last().copied());
    }
}

fn add_principal(keys: &mut ContextKeys, principal: &Principal) {
    keys.set("aws:principalisawsservice", bool_text(matches!(principal, Principal::Service { .. })));
    keys.set_if("aws:principaltype", principal.kind());
    if let Some(account) = principal.account() {
        keys.set("aws:principalaccount", account.to_string());
        keys.set("aws:principalarn", principal.identity_arn());
        keys.set("aws:userid", principal.userid());
    }
    match principal {
        Principal::User { name, .. } => keys.set("aws:username", &**name),
        Principal::Service { name } => {
            keys.set("aws:principalservicename", &**name);
            keys.set("aws:principalservicenameslist", &**name);
        }
        Principal::Federated { provider, .. } => keys.set("aws:federatedprovider", &**provider),
        Principal::Anonymous => keys.set("aws:userid", "anonymous"),
        _ => {}
    }
}

fn add_session(keys: &mut ContextKeys, session: &Session, now: i64) {
    for (name, value) in &session.tags {
        keys.set(&format!("aws:principaltag/{name}"), &**value);
    }
    keys.set_if("aws:sourceidentity", session.source_identity.as_deref());
    keys.set_if("aws:federatedprovider", session.federated_provider.as_deref());
    // Long-term credentials know nothing of a second factor: the key is absent then, not false.
    if let Some(issued_at) = session.token_issued_at {
        keys.set("aws:tokenissuetime", format_iso8601(issued_at));
        keys.set("aws:multifactorauthpresent", bool_text(session.mfa_authenticated_at.is_some()));
    }
    if let Some(authenticated_at) = session.mfa_authenticated_at {
        keys.set("aws:multifactorauthage", now.saturating_sub(authenticated_at).to_string());
    }
}

fn bool_text(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountId;

    fn check(keys: &ContextKeys, expected: &[(&str, Option<&str>)]) {
        for (key, value) in expected {
            let found = keys.get(&key.to_ascii_lowercase()).map(|values| values.join(","));
            assert_eq!(found.as_deref(), *value, "{key}");
        }
    }

    #[test]
    fn a_session_of_a_role_has_its_keys() {
        let account = AccountId::from_number(123_456_789_012).unwrap();
        let principal = Principal::assumed_role(account, "/", "app", "AROAX", "s");
        let session = Session {
            tags: vec![("Team".into(), "blue".into())],
            token_issued_at: Some(0),
            mfa_authenticated_at: Some(40),
            source_identity: Some("ann".into()),
            federated_provider: None,
        };
        let facts = RequestFacts {
            now: 100,
            source_ip: Some("::ffff:10.0.0.1".parse().unwrap()),
            region: "us-east-1",
            called_via: &["athena.amazonaws.com", "glue.amazonaws.com"],
            ..RequestFacts::default()
        };
        check(
            &global_keys(&principal, &session, &facts),
            &[
                ("aws:CurrentTime", Some("1970-01-01T00:01:40Z")),
                ("aws:EpochTime", Some("100")),
                ("aws:SourceIp", Some("10.0.0.1")),
                ("aws:SecureTransport", Some("false")),
                ("aws:UserAgent", None),
                ("aws:PrincipalArn", Some("arn:aws:iam::123456789012:role/app")),
                ("aws:PrincipalAccount", Some("123456789012")),
                ("aws:PrincipalType", Some("AssumedRole")),
                ("aws:userid", Some("AROAX:s")),
                ("aws:username", None),
                ("aws:PrincipalTag/team", Some("blue")),
                ("aws:TokenIssueTime", Some("1970-01-01T00:00:00Z")),
                ("aws:MultiFactorAuthPresent", Some("true")),
                ("aws:MultiFactorAuthAge", Some("60")),
                ("aws:CalledVia", Some("athena.amazonaws.com,glue.amazonaws.com")),
                ("aws:CalledViaLast", Some("glue.amazonaws.com")),
                ("aws:ViaAWSService", Some("true")),
                ("aws:PrincipalIsAWSService", Some("false")),
            ],
        );
    }

    #[test]
    fn a_service_has_its_keys() {
        let facts = RequestFacts {
            source_arn: Some("arn:aws:sns:us-east-1:123456789012:t"),
            source_account: Some("123456789012"),
            ..RequestFacts::default()
        };
        check(
            &global_keys(&Principal::service("sns.amazonaws.com"), &Session::default(), &facts),
            &[
                ("aws:PrincipalIsAWSService", Some("true")),
                ("aws:PrincipalServiceName", Some("sns.amazonaws.com")),
                ("aws:SourceArn", Some("arn:aws:sns:us-east-1:123456789012:t")),
                ("aws:SourceAccount", Some("123456789012")),
                ("aws:PrincipalAccount", None),
                ("aws:MultiFactorAuthPresent", None),
            ],
        );
    }
}
