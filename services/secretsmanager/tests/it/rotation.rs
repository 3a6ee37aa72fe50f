//! Rotation by a function.

use secretsmanager_api::op::{CancelRotateSecret, RotateSecret};
use secretsmanager_api::{CancelRotateSecretInput, RotateSecretInput, RotationRulesType};
use shapes::ApiError;

use crate::kit::{Secrets, name};

async fn rotate(
    secrets: &Secrets,
    change: impl FnOnce(&mut RotateSecretInput),
) -> Result<Option<String>, ApiError> {
    let mut input = RotateSecretInput {
        secret_id: "s".to_owned(),
        rotation_lambda_arn: Some("arn:aws:lambda:us-east-1:000000000000:function:rotate".to_owned()),
        rotation_rules: Some(RotationRulesType { automatically_after_days: Some(30), ..Default::default() }),
        ..Default::default()
    };
    change(&mut input);
    Ok(secrets.ctx().call::<RotateSecret>(input).await?.version_id)
}

#[tokio::test]
async fn a_function_makes_new_versions_now_and_on_their_days() {
    let secrets = Secrets::start();
    secrets.create("s", "one").await;
    rotate(&secrets, |_| {}).await.unwrap();
    secrets.advance_days(0).await;
    assert_eq!(
        *secrets.function.steps.lock().unwrap(),
        ["createSecret", "setSecret", "testSecret", "finishSecret"]
    );
    assert_eq!(secrets.get("s").await.unwrap(), "rotated 1");
    assert_eq!(secrets.get_at(&secrets.ctx(), "s", Some("AWSPREVIOUS")).await.unwrap(), "one");
    let described = secrets.describe("s").await;
    assert_eq!(described.rotation_enabled, Some(true));
    assert!(described.last_rotated_date.is_some() && described.next_rotation_date.is_some());
    secrets.advance_days(31).await;
    assert_eq!(secrets.get("s").await.unwrap(), "rotated 5");
    let input = CancelRotateSecretInput { secret_id: "s".to_owned() };
    secrets.ctx().call::<CancelRotateSecret>(input).await.unwrap();
    secrets.advance_days(100).await;
    assert_eq!(secrets.get("s").await.unwrap(), "rotated 5");
    assert_eq!(secrets.describe("s").await.rotation_enabled, Some(false));
}

#[tokio::test]
async fn a_rotation_that_fails_is_tried_again_with_the_same_version() {
    let secrets = Secrets::start();
    secrets.create("s", "one").await;
    *secrets.function.fails.lock().unwrap() = Some("testSecret");
    let version = rotate(&secrets, |_| {}).await.unwrap().unwrap();
    secrets.advance_days(0).await;
    assert_eq!(secrets.get("s").await.unwrap(), "one");
    let stages = secrets.describe("s").await.version_ids_to_stages.unwrap();
    assert_eq!(stages.get(&version), Some(&vec!["AWSPENDING".to_owned()]));
    assert_eq!(name(rotate(&secrets, |_| {}).await), "InvalidRequestException");
    *secrets.function.fails.lock().unwrap() = None;
    secrets.region.advance(std::time::Duration::from_secs(61)).await;
    secrets.region.settle().await;
    assert_eq!(secrets.get("s").await.unwrap(), "rotated 1");
    let stages = secrets.describe("s").await.version_ids_to_stages.unwrap();
    assert!(stages.get(&version).unwrap().contains(&"AWSCURRENT".to_owned()));
}

#[tokio::test]
async fn rotation_needs_a_function_that_may_be_called_and_sound_rules() {
    let secrets = Secrets::start();
    secrets.create("s", "one").await;
    let without = rotate(&secrets, |input| input.rotation_lambda_arn = None).await;
    assert_eq!(name(without), "InvalidRequestException");
    let forbidden = rotate(&secrets, |input| {
        input.rotation_lambda_arn =
            Some("arn:aws:lambda:us-east-1:000000000000:function:forbidden".to_owned());
    });
    assert_eq!(name(forbidden.await), "AccessDeniedException");
    let both = rotate(&secrets, |input| {
        input.rotation_rules = Some(RotationRulesType {
            automatically_after_days: Some(1),
            schedule_expression: Some("rate(10 days)".to_owned()),
            duration: None,
        });
    });
    assert_eq!(name(both.await), "InvalidParameterException");
    let later = rotate(&secrets, |input| {
        input.rotate_immediately = Some(false);
        input.rotation_rules = Some(RotationRulesType {
            schedule_expression: Some("rate(10 days)".to_owned()),
            ..Default::default()
        });
    });
    assert_eq!(later.await.unwrap(), None);
    secrets.advance_days(9).await;
    assert_eq!(secrets.get("s").await.unwrap(), "one");
    secrets.advance_days(2).await;
    assert_eq!(secrets.get("s").await.unwrap(), "rotated 1");
}
