use std::sync::Arc;

use super::super::{ContextKeys, Layer, NamedPolicy, Policies, PolicyKind, Reason, Request, evaluate};
use super::conditions::context;
use crate::account::AccountId;
use crate::principal::Principal;

const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:orders";

fn account(number: u64) -> AccountId {
    AccountId::from_number(number).unwrap()
}

fn own() -> AccountId {
    account(111_122_223_333)
}

/// Principals by a word: users and roles of the queue's account, and `other-` ones of another.
fn principal(word: &str) -> Principal {
    let (account, word) = match word.strip_prefix("other-") {
        Some(word) => (account(444_455_556_666), word),
        None => (own(), word),
    };
    match word {
        "root" => Principal::root(account),
        "user" => Principal::user(account, "/", "ann", "AIDAANNANNANNANNANN1"),
        "role" => Principal::assumed_role(account, "/", "app", "AROAAPPAPPAPPAPPAPP1", "s1"),
        "federated" => Principal::FederatedUser {
            account,
            name: "bob".into(),
            user: format!("arn:aws:iam::{account}:user/ann").into(),
        },
        "subject" => Principal::Federated { provider: "accounts.google.com".into(), subject: "1".into() },
        "anonymous" => Principal::Anonymous,
        service => Principal::service(service),
    }
}

fn effect(word: &str) -> &'static str {
    if word.starts_with("deny") { "Deny" } else { "Allow" }
}

/// `allow` and `deny` speak of sending to the queue, `unrelated` of something else.
fn identity_policy(word: &str, name: &str) -> Arc<NamedPolicy> {
    let action = if word == "unrelated" { "sqs:ReceiveMessage" } else { "sqs:Send*" };
    let effect = effect(word);
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"One","Effect":"{effect}","Action":"{action}","Resource":"*"}}]}}"#
    );
    Arc::new(NamedPolicy::parse(name, &document, PolicyKind::Identity).unwrap())
}

/// `allow WHOM`, `deny WHOM` or `deny-not WHOM`, where WHOM is a JSON principal.
fn resource_policy(text: &str) -> NamedPolicy {
    let (word, whom) = text.split_once(' ').unwrap();
    let element = if word.ends_with("-not") { "NotPrincipal" } else { "Principal" };
    let effect = effect(word);
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","{element}":{whom},"Action":"sqs:SendMessage"}}]}}"#
    );
    NamedPolicy::parse("QueuePolicy", &document, PolicyKind::Resource).unwrap()
}

#[derive(Default)]
struct Case<'a> {
    who: &'a str,
    identity: Option<&'a str>,
    resource: Option<&'a str>,
    boundary: Option<&'a str>,
    session: Option<&'a str>,
    control: Option<&'a str>,
    must_allow: bool,
}

/// What decides a case, in a word or two: `allowed by identity`, `identity denies`, `no boundary`.
fn outcome(case: &Case<'_>) -> String {
    let list =
        |word: Option<&str>, name: &str| word.map(|word| identity_policy(word, name)).into_iter().collect();
    let identity: Vec<_> = list(case.identity, "Own");
    let session: Vec<_> = list(case.session, "Session");
    let control: Vec<_> = list(case.control, "Control");
    let boundary = case.boundary.map(|word| identity_policy(word, "Boundary"));
    let resource = case.resource.map(resource_policy);
    let principal = principal(case.who);
    let context = ContextKeys::default();
    let request = Request {
        principal: &principal,
        action: "sqs:SendMessage",
        resources: &[QUEUE],
        resource_account: Some(own()),
        context: &context,
    };
    let decision = evaluate(
        &request,
        &Policies {
            identity: &identity,
            boundary: boundary.as_deref(),
            session: &session,
            resource: resource.as_ref(),
            resource_must_allow: case.must_allow,
            is_trust: false,
            control: &control,
        },
    );
    let word = |layer: Layer| format!("{layer:?}").to_lowercase();
    let told = match decision.reason {
        Reason::Root => "allowed as root".to_owned(),
        Reason::AllowedBy { layer, .. } => format!("allowed by {}", word(layer)),
        Reason::ExplicitDeny { layer, .. } => format!("{} denies", word(layer)),
        Reason::ImplicitDeny { layer } => format!("no {}", word(layer)),
    };
    assert_eq!(decision.allowed, told.starts_with("allowed"), "{told}");
    told
}

fn check(case: Case<'_>, expected: &str) {
    let Case { who, identity, resource, boundary, session, control, must_allow } = &case;
    let told = outcome(&case);
    assert_eq!(
        told, expected,
        "{who}: identity {identity:?}, resource {resource:?}, boundary {boundary:?}, session {session:?}, control \
         {control:?}, must allow {must_allow}"
    );
}

const ROOT: &str = r#"{"AWS":"arn:aws:iam::111122223333:root"}"#;
const USER: &str = r#"{"AWS":"arn:aws:iam::111122223333:user/ann"}"#;
const ROLE: &str = r#"{"AWS":"arn:aws:iam::111122223333:role/app"}"#;
const SESSION: &str = r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/app/s1"}"#;
const FEDERATED: &str = r#"{"AWS":"arn:aws:sts::111122223333:federated-user/bob"}"#;
const SNS: &str = r#"{"Service":"sns.amazonaws.com"}"#;

#[test]
fn identity_policies_decide_within_an_account() {
    for who in ["user", "role"] {
        check(Case { who, ..Case::default() }, "no identity");
        check(Case { who, identity: Some("unrelated"), ..Case::default() }, "no identity");
        check(Case { who, identity: Some("allow"), ..Case::default() }, "allowed by identity");
        check(Case { who, identity: Some("deny"), ..Case::default() }, "identity denies");
    }
    check(Case { who: "root", ..Case::default() }, "allowed as root");
}

#[test]
fn boundaries_and_session_policies_limit_identity_policies() {
    let allow = || Case { who: "role", identity: Some("allow"), ..Case::default() };
    check(Case { boundary: Some("allow"), session: Some("allow"), ..allow() }, "allowed by identity");
    check(Case { boundary: Some("unrelated"), ..allow() }, "no boundary");
    check(Case { session: Some("unrelated"), ..allow() }, "no session");
    check(Case { boundary: Some("deny"), ..allow() }, "boundary denies");
    check(Case { session: Some("deny"), ..allow() }, "session denies");
    check(
        Case { who: "role", boundary: Some("allow"), session: Some("allow"), ..Case::default() },
        "no identity",
    );
}

#[test]
fn control_policies_limit_everyone() {
    check(
        Case { who: "user", identity: Some("allow"), control: Some("unrelated"), ..Case::default() },
        "no servicecontrol",
    );
    check(Case { who: "root", control: Some("deny"), ..Case::default() }, "servicecontrol denies");
    check(Case { who: "root", control: Some("allow"), ..Case::default() }, "allowed as root");
}

/// The documented table of resource-based policies and implicit denies in other policy types.
#[test]
fn resource_policies_grant_as_closely_as_they_name() {
    let everywhere = |who, resource| Case {
        who,
        resource,
        identity: Some("unrelated"),
        boundary: Some("unrelated"),
        session: Some("unrelated"),
        ..Case::default()
    };
    let limited = |who, resource| Case { session: Some("unrelated"), who, resource, ..Case::default() };
    let (allow_user, allow_role) = (format!("allow {USER}"), format!("allow {ROLE}"));
    let allow_federated = format!("allow {FEDERATED}");
    let (allow_session, allow_root) = (format!("allow {SESSION}"), format!("allow {ROOT}"));
    check(everywhere("user", Some(&allow_user)), "allowed by resource");
    check(everywhere("role", Some(&allow_session)), "allowed by resource");
    check(everywhere("federated", Some(&allow_federated)), "allowed by resource");
    check(everywhere("role", Some(&allow_role)), "no boundary");
    check(limited("role", Some(&allow_role)), "no session");
    check(Case { who: "role", resource: Some(&allow_role), ..Case::default() }, "allowed by resource");
    check(limited("federated", Some(&allow_user)), "no session");
    check(everywhere("user", Some("allow \"*\"")), "no boundary");
    check(Case { who: "user", resource: Some("allow \"*\""), ..Case::default() }, "allowed by resource");
    check(Case { who: "user", resource: Some(&allow_root), ..Case::default() }, "no identity");
    let with_identity =
        Case { who: "user", resource: Some(&allow_root), identity: Some("allow"), ..Case::default() };
    check(with_identity, "allowed by identity");
    check(Case { who: "federated", identity: Some("allow"), ..Case::default() }, "no session");
}

#[test]
fn explicit_denies_win() {
    let deny_all = "deny \"*\"";
    for who in ["root", "user", "role", "other-user", "sns.amazonaws.com", "anonymous"] {
        check(
            Case { who, identity: Some("allow"), resource: Some(deny_all), ..Case::default() },
            "resource denies",
        );
    }
    let deny_role = format!("deny {ROLE}");
    check(
        Case { who: "role", identity: Some("allow"), resource: Some(&deny_role), ..Case::default() },
        "resource denies",
    );
    check(
        Case { who: "user", identity: Some("allow"), resource: Some(&deny_role), ..Case::default() },
        "allowed by identity",
    );
}

#[test]
fn across_accounts_both_sides_must_allow() {
    let other = r#"allow {"AWS":"444455556666"}"#;
    let other_user = r#"allow {"AWS":"arn:aws:iam::444455556666:user/ann"}"#;
    for resource in [other, other_user, "allow \"*\""] {
        let case =
            |identity| Case { who: "other-user", identity, resource: Some(resource), ..Case::default() };
        check(case(Some("allow")), "allowed by resource");
        check(case(None), "no identity");
        check(Case { boundary: Some("unrelated"), ..case(Some("allow")) }, "no boundary");
    }
    check(Case { who: "other-user", identity: Some("allow"), ..Case::default() }, "no resource");
    check(Case { who: "other-root", ..Case::default() }, "no resource");
    check(Case { who: "other-root", resource: Some(other), ..Case::default() }, "allowed by resource");
    let ours = format!("allow {ROOT}");
    check(
        Case { who: "other-user", identity: Some("allow"), resource: Some(&ours), ..Case::default() },
        "no resource",
    );
}

#[test]
fn callers_without_policies_need_the_resources() {
    let sns = format!("allow {SNS}");
    check(Case { who: "sns.amazonaws.com", resource: Some(&sns), ..Case::default() }, "allowed by resource");
    check(Case { who: "s3.amazonaws.com", resource: Some(&sns), ..Case::default() }, "no resource");
    check(Case { who: "sns.amazonaws.com", ..Case::default() }, "no resource");
    check(Case { who: "anonymous", resource: Some(&sns), ..Case::default() }, "no resource");
    check(Case { who: "anonymous", resource: Some("allow \"*\""), ..Case::default() }, "allowed by resource");
    let google = r#"allow {"Federated":"accounts.google.com"}"#;
    check(Case { who: "subject", resource: Some(google), ..Case::default() }, "allowed by resource");
    check(Case { who: "subject", resource: Some(&sns), ..Case::default() }, "no resource");
}

#[test]
fn roles_and_keys_need_their_own_policys_consent() {
    let case =
        |who, identity, resource| Case { who, identity, resource, must_allow: true, ..Case::default() };
    let (user, root) = (format!("allow {USER}"), format!("allow {ROOT}"));
    check(case("user", Some("allow"), None), "no resource");
    check(case("root", None, None), "no resource");
    check(case("user", None, Some(&user)), "allowed by resource");
    check(case("user", None, Some(&root)), "no identity");
    check(case("user", Some("allow"), Some(&root)), "allowed by identity");
    check(case("root", None, Some(&root)), "allowed by resource");
    check(case("other-user", Some("allow"), Some(&root)), "no resource");
}

#[test]
fn not_principal_spares_those_it_names_in_full() {
    let case =
        |who, resource| Case { who, identity: Some("allow"), resource: Some(resource), ..Case::default() };
    let whole = r#"deny-not {"AWS":["arn:aws:iam::111122223333:user/ann","111122223333"]}"#;
    check(case("user", whole), "allowed by identity");
    check(case("role", whole), "resource denies");
    check(case("user", r#"deny-not {"AWS":"arn:aws:iam::111122223333:user/ann"}"#), "resource denies");
    check(case("root", r#"deny-not {"AWS":"111122223333"}"#), "allowed as root");
    check(
        Case {
            who: "sns.amazonaws.com",
            resource: Some("deny-not {\"Service\":\"sns.amazonaws.com\"}"),
            ..Case::default()
        },
        "no resource",
    );
}

#[test]
fn ids_and_canonical_users_name_principals() {
    let by_id = r#"allow {"AWS":"AIDAANNANNANNANNANN1"}"#;
    check(Case { who: "user", resource: Some(by_id), ..Case::default() }, "allowed by resource");
    check(Case { who: "role", resource: Some(by_id), ..Case::default() }, "no identity");
    let role_id = r#"allow {"AWS":"AROAAPPAPPAPPAPPAPP1"}"#;
    check(Case { who: "role", resource: Some(role_id), ..Case::default() }, "allowed by resource");
    let canonical =
        format!(r#"allow {{"CanonicalUser":"{}"}}"#, account(444_455_556_666).canonical_user_id());
    let case =
        Case { who: "other-user", identity: Some("allow"), resource: Some(&canonical), ..Case::default() };
    check(case, "allowed by resource");
}

#[test]
fn a_confused_deputy_is_refused() {
    let document = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},
        "Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:111122223333:orders","Condition":{
        "ArnLike":{"aws:SourceArn":"arn:aws:sns:*:111122223333:*"},"StringEquals":{"aws:SourceAccount":"111122223333"}}}}"#;
    let policy = NamedPolicy::parse("q", document, PolicyKind::Resource).unwrap();
    let principal = Principal::service("sns.amazonaws.com");
    let allowed = |given: &str, resource: &str| {
        let context = context(given);
        let resources = [resource];
        let request = Request {
            principal: &principal,
            action: "sqs:SendMessage",
            resources: &resources,
            resource_account: Some(own()),
            context: &context,
        };
        evaluate(&request, &Policies { resource: Some(&policy), ..Policies::default() }).allowed
    };
    let ours = "aws:SourceArn=arn:aws:sns:us-east-1:111122223333:t aws:SourceAccount=111122223333";
    assert!(allowed(ours, QUEUE));
    assert!(!allowed(ours, "arn:aws:sqs:us-east-1:111122223333:other"));
    assert!(!allowed(
        "aws:SourceArn=arn:aws:sns:us-east-1:999922223333:t aws:SourceAccount=999922223333",
        QUEUE
    ));
    assert!(!allowed("", QUEUE));
}

#[test]
fn every_resource_of_a_request_must_be_allowed() {
    let document =
        r#"{"Statement":{"Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::secret*"}}"#;
    let policy: Arc<_> = NamedPolicy::parse("p", document, PolicyKind::Identity).unwrap().into();
    let (principal, context) = (principal("user"), ContextKeys::default());
    let policies = [policy];
    let decide = |action, resources| {
        let request =
            Request { principal: &principal, action, resources, resource_account: None, context: &context };
        evaluate(&request, &Policies { identity: &policies, ..Policies::default() })
    };
    assert!(decide("s3:GetObject", &["arn:aws:s3:::a", "arn:aws:s3:::b"]).allowed);
    let denied = decide("s3:GetObject", &["arn:aws:s3:::a", "arn:aws:s3:::secret/x", "arn:aws:s3:::b"]);
    assert!(!denied.allowed);
    assert_eq!(denied.resource, "arn:aws:s3:::secret/x");
    assert!(!decide("iam:GetUser", &["*"]).allowed);
    assert!(!decide("s3:GetObject", &[]).allowed);
}

fn check_message(who: &str, policies: &Policies<'_>, expected: &str) {
    let (principal, context) = (principal(who), ContextKeys::default());
    let request = Request {
        principal: &principal,
        action: "sqs:SendMessage",
        resources: &[QUEUE],
        resource_account: Some(own()),
        context: &context,
    };
    let decision = evaluate(&request, policies);
    assert!(!decision.allowed);
    assert_eq!(decision.denial_message(&principal, "sqs:SendMessage", QUEUE), expected);
}

#[test]
fn denials_say_who_what_where_and_why() {
    let user = format!(
        "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: sqs:SendMessage on resource: {QUEUE}"
    );
    let none = Policies::default();
    let told = |why: &str| format!("{user} {why}");
    check_message("user", &none, &told("because no identity-based policy allows the sqs:SendMessage action"));
    let denies = [identity_policy("deny", "arn:aws:iam::111122223333:policy/NoSend")];
    check_message(
        "user",
        &Policies { identity: &denies, ..none },
        &told(
            "with an explicit deny in an identity-based policy: arn:aws:iam::111122223333:policy/NoSend, statement One",
        ),
    );
    let allows = [identity_policy("allow", "Send")];
    let unrelated = identity_policy("unrelated", "Limits");
    check_message(
        "user",
        &Policies { identity: &allows, boundary: Some(&unrelated), ..none },
        &told("because no permissions boundary allows the sqs:SendMessage action"),
    );
    check_message(
        "user",
        &Policies { identity: &allows, session: std::slice::from_ref(&unrelated), ..none },
        &told("because no session policy allows the sqs:SendMessage action"),
    );
    check_message(
        "user",
        &Policies { resource_must_allow: true, is_trust: true, ..none },
        &told("because no role trust policy allows the sqs:SendMessage action"),
    );
    let resource = resource_policy("deny \"*\"");
    check_message(
        "user",
        &Policies { resource: Some(&resource), ..none },
        &told("with an explicit deny in a resource-based policy: QueuePolicy, statement 1"),
    );
    check_message(
        "anonymous",
        &none,
        &format!(
            "User: anonymous is not authorized to perform: sqs:SendMessage on resource: {QUEUE} because no \
             resource-based policy allows the sqs:SendMessage action"
        ),
    );
}
