use std::sync::Arc;

use super::super::{Layer, NamedPolicy, Policies, PolicyKind, Request, Verdict, simulate};
use super::conditions::context;
use crate::account::AccountId;
use crate::principal::Principal;

const DOCUMENT: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"},
    {"Sid": "Write", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/${aws:username}/*"},
    {"Sid": "Locked", "Effect": "Deny", "Action": "s3:Delete*", "Resource": "*",
     "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}
  ]
}"#;

fn check(action: &str, given: &str, verdict: Verdict, matched: &[&str], missing: &[&str]) {
    let policy: Arc<_> = NamedPolicy::parse("Bucket", DOCUMENT, PolicyKind::Identity).unwrap().into();
    let principal = Principal::user(AccountId::DEFAULT, "/", "ann", "AIDAX");
    let context = context(given);
    let request = Request {
        principal: &principal,
        action,
        resources: &["arn:aws:s3:::b/ann/k"],
        resource_account: None,
        context: &context,
    };
    let policies = [policy];
    let simulation = simulate(&request, &Policies { identity: &policies, ..Policies::default() });
    assert_eq!(simulation.verdict, verdict, "{action} with {given}");
    assert!(simulation.matched.iter().all(|(layer, _)| *layer == Layer::Identity));
    let labels: Vec<_> = simulation.matched.iter().map(|(_, statement)| statement.label()).collect();
    assert_eq!(labels, matched, "{action} with {given}");
    assert_eq!(simulation.missing_context, missing, "{action} with {given}");
}

#[test]
fn simulations_tell_what_matched_and_what_is_missing() {
    let mfa = "aws:MultiFactorAuthPresent";
    check("s3:GetObject", "", Verdict::Allowed, &["Read"], &[mfa, "aws:username"]);
    check("s3:GetObject", "aws:username=ann", Verdict::Allowed, &["Read", "Write"], &[mfa]);
    let all = "aws:username=ann aws:MultiFactorAuthPresent=false";
    check("s3:DeleteObject", all, Verdict::ExplicitDeny, &["Locked"], &[]);
    check("s3:DeleteObject", "aws:username=bob", Verdict::ImplicitDeny, &[], &[mfa]);
    assert_eq!(Verdict::ExplicitDeny.as_str(), "explicitDeny");
}

#[test]
fn statements_have_places_in_their_document() {
    let policy = NamedPolicy::parse("Bucket", DOCUMENT, PolicyKind::Identity).unwrap().policy;
    let lines: Vec<_> = policy.statements.iter().map(|s| (s.span.start.line, s.span.end.line)).collect();
    assert_eq!(lines, [(4, 4), (5, 5), (6, 7)]);
    assert_eq!(policy.statements[0].span.start.column, 5);
}
