//! Policies of advanced parameters.

use std::time::Duration;

use crate::kit::{get, name, put_with, region};

#[tokio::test]
async fn a_parameter_ends_when_its_policy_says() {
    let region = region();
    let ctx = region.ctx();
    let with = |policies: &'static str, tier: &'static str| {
        move |input: &mut ssm_api::PutParameterInput| {
            input.policies = Some(policies.to_owned());
            input.tier = Some(tier.to_owned());
        }
    };
    // The kit begins on 2026-01-01.
    let ends = r#"[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2026-01-11T00:00:00.000Z"}},
        {"Type":"ExpirationNotification","Version":"1.0","Attributes":{"Before":"2","Unit":"Days"}}]"#;
    assert_eq!(name(put_with(&ctx, "/a", "x", with(ends, "Standard")).await), "ValidationException");
    put_with(&ctx, "/a", "x", with(ends, "Advanced")).await.unwrap();
    put_with(&ctx, "/b", "x", with(ends, "Intelligent-Tiering")).await.unwrap();
    let past =
        r#"[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2025-01-11T00:00:00.000Z"}}]"#;
    let past = put_with(&ctx, "/c", "x", with(past, "Advanced")).await;
    assert_eq!(name(past), "InvalidPolicyAttributeException");
    let other = put_with(&ctx, "/c", "x", with(r#"[{"Type":"Other"}]"#, "Advanced")).await;
    assert_eq!(name(other), "InvalidPolicyTypeException");
    region.settle().await;
    region.advance(Duration::from_secs(9 * 86_400)).await;
    assert_eq!(get(&ctx, "/a").await.unwrap(), "x");
    // An empty list takes the policies away.
    put_with(&ctx, "/b", "y", with("[]", "Advanced")).await.unwrap();
    region.settle().await;
    region.advance(Duration::from_secs(2 * 86_400)).await;
    region.settle().await;
    assert_eq!(name(get(&ctx, "/a").await), "ParameterNotFound");
    assert_eq!(get(&ctx, "/b").await.unwrap(), "y");
}
