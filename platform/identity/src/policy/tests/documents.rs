use proptest::prelude::*;

use super::super::{NamedPolicy, Policies, Policy, PolicyKind, Request, Version, evaluate};
use super::conditions::context;
use crate::account::AccountId;
use crate::principal::Principal;

fn check(kind: PolicyKind, document: &str, expected: &str) {
    match Policy::parse(document, kind) {
        Ok(_) => assert_eq!("", expected, "{document} was accepted"),
        Err(error) => {
            let message = error.to_string();
            assert!(!expected.is_empty() && message.contains(expected), "{document}: {message}");
        }
    }
}

/// A document of one statement with these elements.
fn check_statement(kind: PolicyKind, elements: &str, expected: &str) {
    check(kind, &format!(r#"{{"Version":"2012-10-17","Statement":[{{{elements}}}]}}"#), expected);
}

#[test]
fn documents_are_checked() {
    let kind = PolicyKind::Identity;
    check(kind, "", "invalid Json");
    check(kind, "[]", "has to be a JSON object");
    check(kind, "{}", "Statement has to be");
    check(kind, r#"{"Statement":[]}"#, "Statement has to be");
    check(kind, r#"{"Version":"2012","Statement":[]}"#, "valid version string");
    check(kind, r#"{"Statement":["x"]}"#, "Statement 1: it has to be an object");
    check(kind, r#"{"Statements":[]}"#, "'Statements' is not an element");
    check(kind, r#"{"Id":1,"Statement":{}}"#, "Id has to be a string");
    check(kind, &" ".repeat(200_000), "it may have 131072");
    let one = r#"{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"}"#;
    check(kind, &format!(r#"{{"Statement":{one}}}"#), "");
    check(kind, &format!(r#"{{"Statement":[{one},{one}]}}"#), "must be unique");
}

#[test]
fn statements_are_checked() {
    let identity = PolicyKind::Identity;
    let good = r#""Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b""#;
    check_statement(identity, good, "");
    check_statement(
        identity,
        r#""Effect":"allow","Action":"*","Resource":"*""#,
        "Effect has to be Allow or Deny",
    );
    check_statement(identity, r#""Effect":"Allow","Resource":"*""#, "must contain actions");
    check_statement(identity, r#""Effect":"Allow","Action":[],"Resource":"*""#, "must contain actions");
    check_statement(identity, r#""Effect":"Allow","Action":"*""#, "must contain resources");
    check_statement(identity, r#""Effect":"Allow","Action":"Get","Resource":"*""#, "prefaced by a vendor");
    check_statement(identity, r#""Effect":"Allow","Action":"s3:a:b","Resource":"*""#, "only one colon");
    check_statement(identity, r#""Effect":"Allow","Action":"s3:Get Object","Resource":"*""#, "vendor:name");
    check_statement(
        identity,
        r#""Effect":"Allow","Action":"s*:Get","Resource":"*""#,
        "Vendor s* is not valid",
    );
    check_statement(
        identity,
        r#""Effect":"Allow","Action":"s3:*","Resource":"b""#,
        "Resource b must be in ARN format",
    );
    check_statement(identity, &format!(r#"{good},"NotAction":"s3:*""#), "either Action or NotAction");
    check_statement(identity, &format!(r#"{good},"Sid":"a b""#), "must be alpha-numeric");
    check_statement(identity, &format!(r#"{good},"Principal":"*""#), "should not specify a principal");
    check_statement(identity, &format!(r#"{good},"Extra":1"#), "'Extra' is not an element");
    check_statement(identity, &format!(r#"{good},"Condition":[]"#), "Condition has to be an object");
    check_statement(
        identity,
        &format!(r#"{good},"Condition":{{"Is":{{"a:b":"c"}}}}"#),
        "Invalid Condition type : Is",
    );
    let operator = |text: &str| format!(r#"{good},"Condition":{{{text}}}"#);
    check_statement(identity, &operator(r#""NullIfExists":{"a:b":"true"}"#), "Invalid Condition type");
    check_statement(identity, &operator(r#""ForSome:Bool":{"a:b":"true"}"#), "Invalid Condition type");
    check_statement(identity, &operator(r#""Bool":{"b":"true"}"#), "prefaced by a vendor");
    check_statement(identity, &operator(r#""Bool":{"a:b":"yes"}"#), "'yes' is not a boolean");
    check_statement(identity, &operator(r#""IpAddress":{"a:b":"1.2.3"}"#), "'1.2.3' is not an IP address");
    check_statement(identity, &operator(r#""NumericEquals":{"a:b":"x"}"#), "'x' is not a number");
    check_statement(identity, &operator(r#""DateEquals":{"a:b":"x"}"#), "'x' is not a date");
    check_statement(identity, &operator(r#""StringEquals":{"a:b":{}}"#), "have to be strings");
    check_statement(identity, &operator(r#""StringEquals":{"a:b":"${x"}"#), "no closing brace");
}

#[test]
fn principals_are_checked() {
    let resource = PolicyKind::Resource;
    let rest = r#""Effect":"Allow","Action":"sqs:*","Resource":"*""#;
    check_statement(resource, rest, "Missing required field Principal");
    for good in [
        r#""*""#,
        r#"{"AWS":"*"}"#,
        r#"{"AWS":["123456789012","arn:aws:iam::123456789012:root"]}"#,
        r#"{"AWS":"arn:aws:iam::123456789012:user/a/b"}"#,
        r#"{"AWS":"arn:aws:sts::123456789012:assumed-role/r/s"}"#,
        r#"{"AWS":"AIDAJQABLZS4A3QDU576Q"}"#,
        r#"{"Service":["sns.amazonaws.com"],"Federated":"accounts.google.com","CanonicalUser":"ab"}"#,
    ] {
        check_statement(resource, &format!(r#"{rest},"Principal":{good}"#), "");
        check_statement(resource, &format!(r#"{rest},"NotPrincipal":{good}"#), "");
    }
    for wrong in [
        r#""x""#,
        "{}",
        r#"{"AWS":"x"}"#,
        r#"{"AWS":[]}"#,
        r#"{"AWS":"arn:aws:iam::123456789012:user/*"}"#,
        r#"{"AWS":"arn:aws:s3:::b"}"#,
        r#"{"Service":"sns"}"#,
        r#"{"Other":"x"}"#,
    ] {
        check_statement(resource, &format!(r#"{rest},"Principal":{wrong}"#), "Invalid principal in policy");
    }
}

#[test]
fn trust_policies_are_checked() {
    let trust = PolicyKind::Trust;
    let service = r#""Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"}"#;
    check_statement(trust, &format!(r#"{service},"Action":["sts:AssumeRole","sts:TagSession"]"#), "");
    check_statement(trust, &format!(r#"{service},"Action":"sqs:*""#), "only specify STS AssumeRole actions");
    check_statement(
        trust,
        &format!(r#"{service},"Action":"sts:AssumeRole","Resource":"*""#),
        "prohibited field",
    );
    check_statement(
        trust,
        r#""Effect":"Allow","Action":"sts:AssumeRole""#,
        "Missing required field Principal",
    );
    let except = r#""Effect":"Allow","NotPrincipal":"*","Action":"sts:AssumeRole""#;
    check_statement(trust, except, "prohibited field NotPrincipal");
}

/// Whether an identity policy with this resource allows about `resource`.
fn allows(version: &str, resource: &str, given: &str, asked: &str) -> bool {
    let document = format!(
        r#"{{{version}"Statement":{{"Effect":"Allow","Action":"S3:getobject","Resource":"{resource}"}}}}"#
    );
    let policy = NamedPolicy::parse("p", &document, PolicyKind::Identity).unwrap();
    let principal = Principal::user(AccountId::DEFAULT, "/", "ann", "AIDAX");
    let context = context(given);
    let resources = [asked];
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resources: &resources,
        resource_account: None,
        context: &context,
    };
    evaluate(&request, &Policies { identity: &[policy.into()], ..Policies::default() }).allowed
}

#[test]
fn variables_belong_to_the_newer_version() {
    let new = r#""Version":"2012-10-17","#;
    let home = "arn:aws:s3:::b/${aws:username}/*";
    assert!(allows(new, home, "aws:username=ann", "arn:aws:s3:::b/ann/x"));
    assert!(!allows(new, home, "aws:username=ann", "arn:aws:s3:::b/bob/x"));
    assert!(!allows(new, home, "", "arn:aws:s3:::b/ann/x"));
    assert!(allows("", home, "aws:username=ann", "arn:aws:s3:::b/${aws:username}/x"));
    assert!(!allows("", home, "aws:username=ann", "arn:aws:s3:::b/ann/x"));
    assert!(allows(new, "arn:aws:s3:::b/${*}", "", "arn:aws:s3:::b/*"));
    assert!(!allows(new, "arn:aws:s3:::b/${*}", "", "arn:aws:s3:::b/x"));
    let parsed =
        Policy::parse(r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#, PolicyKind::Identity);
    assert_eq!(parsed.unwrap().version, Version::V2008);
}

#[test]
fn actions_ignore_case_and_resources_do_not() {
    assert!(allows("", "arn:aws:s3:::b/k", "", "arn:aws:s3:::b/k"));
    assert!(!allows("", "arn:aws:s3:::b/K", "", "arn:aws:s3:::b/k"));
}

#[test]
fn a_policy_tells_the_keys_it_looks_at() {
    let document = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*",
        "Resource":"arn:aws:s3:::${aws:username}","Condition":{"StringEquals":{"aws:PrincipalTag/A":"${s3:prefix}"}}}}"#;
    let policy = Policy::parse(document, PolicyKind::Identity).unwrap();
    assert_eq!(policy.context_keys(), ["aws:PrincipalTag/A", "aws:username", "s3:prefix"]);
    assert!(policy.uses_context());
    let plain = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    assert!(!Policy::parse(plain, PolicyKind::Identity).unwrap().uses_context());
}

const WORDS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"Statement\"",
    "\"Effect\"",
    "\"Allow\"",
    "\"Action\"",
    "\"*\"",
    "\"Resource\"",
    "\"Condition\"",
    "\"StringLike\"",
    "\"a:b\"",
    "\"${a:b, 'c'}\"",
    "\"${\"",
    "1",
    "true",
    "null",
    "\"Principal\"",
    "\"AWS\"",
    "\"Version\"",
    "\"2012-10-17\"",
];

proptest! {
    #[test]
    fn no_text_makes_parsing_panic(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for kind in [PolicyKind::Identity, PolicyKind::Resource, PolicyKind::Trust] {
            prop_assert!(Policy::parse(&text, kind).is_err());
            prop_assert!(Policy::parse(&String::from_utf8_lossy(&bytes), kind).is_err());
        }
    }

    #[test]
    fn no_sequence_of_words_makes_parsing_panic(words in prop::collection::vec(0..WORDS.len(), 0..40)) {
        let text: String = words.iter().map(|word| WORDS[*word]).collect();
        for kind in [PolicyKind::Identity, PolicyKind::Resource, PolicyKind::Trust] {
            if let Ok(policy) = Policy::parse(&text, kind) {
                prop_assert!(!policy.statements.is_empty());
            }
        }
    }

    #[test]
    fn no_element_makes_parsing_panic(action in ".{0,30}", resource in ".{0,30}", key in ".{0,20}", value in ".{0,30}") {
        let document = serde_json::json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Action": action, "Resource": format!("arn:aws:s3:::{resource}"),
            "Condition": {"StringLike": {key.clone(): value.clone()}, "ArnLike": {key: value}},
        }});
        if let Ok(policy) = NamedPolicy::parse("p", &document.to_string(), PolicyKind::Identity) {
            let principal = Principal::user(AccountId::DEFAULT, "/", "ann", "AIDAX");
            let context = context("a:b=c");
            let resources = [resource.as_str()];
            let request = Request {
                principal: &principal, action: &action, resources: &resources, resource_account: None, context: &context,
            };
            let policies = [policy.into()];
            let decision = evaluate(&request, &Policies { identity: &policies, ..Policies::default() });
            prop_assert!(!decision.allowed || resource.starts_with("arn:"));
        }
    }
}
