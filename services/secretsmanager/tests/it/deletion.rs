//! Deletion and the window in which a secret can be had back.

use secretsmanager_api::op::{CreateSecret, DeleteSecret, RestoreSecret};
use secretsmanager_api::{CreateSecretInput, DeleteSecretInput, RestoreSecretInput};

use crate::kit::{Secrets, name};

async fn delete(secrets: &Secrets, days: Option<i64>, force: bool) -> String {
    let input = DeleteSecretInput {
        secret_id: "s".to_owned(),
        recovery_window_in_days: days,
        force_delete_without_recovery: Some(force),
    };
    name(secrets.ctx().call::<DeleteSecret>(input).await)
}

#[tokio::test]
async fn a_secret_is_gone_after_its_window_unless_it_is_restored() {
    let secrets = Secrets::start();
    secrets.create("s", "one").await;
    assert_eq!(delete(&secrets, Some(6), false).await, "InvalidParameterException");
    assert_eq!(delete(&secrets, Some(7), true).await, "InvalidParameterException");
    assert_eq!(delete(&secrets, Some(7), false).await, "fine");
    let error = secrets.get("s").await.unwrap_err();
    assert_eq!(
        error.message(),
        "You can't perform this operation on the secret because it was marked for deletion."
    );
    assert!(secrets.describe("s").await.deleted_date.is_some());
    let input = CreateSecretInput { name: "s".to_owned(), ..Default::default() };
    assert_eq!(name(secrets.ctx().call::<CreateSecret>(input).await), "InvalidRequestException");
    let input = RestoreSecretInput { secret_id: "s".to_owned() };
    secrets.ctx().call::<RestoreSecret>(input).await.unwrap();
    secrets.advance_days(10).await;
    assert_eq!(secrets.get("s").await.unwrap(), "one");
    assert_eq!(delete(&secrets, None, false).await, "fine");
    secrets.advance_days(31).await;
    assert_eq!(name(secrets.get("s").await), "ResourceNotFoundException");
    secrets.create("s", "new").await;
}

#[tokio::test]
async fn a_forced_deletion_frees_the_name_at_once() {
    let secrets = Secrets::start();
    let first = secrets.create("s", "one").await.arn;
    assert_eq!(delete(&secrets, None, true).await, "fine");
    let second = secrets.create("s", "two").await.arn;
    assert_ne!(first, second);
    assert_eq!(secrets.get("s").await.unwrap(), "two");
    assert_eq!(name(secrets.get(&first.unwrap()).await), "ResourceNotFoundException");
}
