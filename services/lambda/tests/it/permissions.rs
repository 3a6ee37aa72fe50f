//! Versions, aliases, and who else may invoke them.

use cloud::{Ctx, TraceContext};
use identity::{AccountId, Principal};
use lambda_api::op::{
    AddPermission, CreateAlias, DeleteFunction, GetAlias, GetPolicy, Invoke, PublishVersion, RemovePermission,
};
use lambda_api::{
    AddPermissionInput, CreateAliasInput, DeleteFunctionInput, GetAliasInput, GetPolicyInput, InvokeInput,
    PublishVersionInput, RemovePermissionInput,
};

use crate::kit::Functions;

fn as_sns(functions: &Functions, topic: &str) -> Ctx {
    let account = AccountId::DEFAULT;
    let ctx = functions.region.context(Principal::root(account), account);
    let trace = TraceContext::begin(ctx.ids(), ctx.now());
    ctx.as_service("sns.amazonaws.com", topic).in_trace(trace)
}

fn dry_run(name: &str) -> InvokeInput {
    InvokeInput {
        function_name: name.to_owned(),
        invocation_type: Some("DryRun".to_owned()),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_service_needs_a_permission_for_its_resource() {
    let functions = Functions::start();
    functions.python("").await;
    let (ours, other) =
        ("arn:aws:sns:us-east-1:000000000000:ours", "arn:aws:sns:us-east-1:000000000000:other");
    let denied = as_sns(&functions, ours).call::<Invoke>(dry_run("f")).await.unwrap_err();
    assert_eq!((denied.status(), denied.name()), (403, "AccessDeniedException"));
    let add = || AddPermissionInput {
        function_name: "f".to_owned(),
        statement_id: "sns".to_owned(),
        action: "lambda:InvokeFunction".to_owned(),
        principal: "sns.amazonaws.com".to_owned(),
        source_arn: Some(ours.to_owned()),
        ..Default::default()
    };
    functions.region.call::<AddPermission>(add()).await.unwrap();
    let again = functions.region.call::<AddPermission>(add()).await.unwrap_err();
    assert_eq!(again.name(), "ResourceConflictException");
    let answer = as_sns(&functions, ours).call::<Invoke>(dry_run("f")).await.unwrap();
    assert_eq!(answer.status_code, Some(204));
    assert_eq!(as_sns(&functions, other).call::<Invoke>(dry_run("f")).await.unwrap_err().status(), 403);
    let get = || GetPolicyInput { function_name: "f".to_owned(), qualifier: None };
    let policy = functions.region.call::<GetPolicy>(get()).await.unwrap().policy.unwrap();
    assert!(
        policy.contains(
            r#""Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:sns:us-east-1:000000000000:ours"}}"#
        ),
        "{policy}"
    );
    let remove = RemovePermissionInput {
        function_name: "f".to_owned(),
        statement_id: "sns".to_owned(),
        ..Default::default()
    };
    functions.region.call::<RemovePermission>(remove).await.unwrap();
    assert_eq!(
        functions.region.call::<GetPolicy>(get()).await.unwrap_err().name(),
        "ResourceNotFoundException"
    );
    assert_eq!(as_sns(&functions, ours).call::<Invoke>(dry_run("f")).await.unwrap_err().status(), 403);
}

#[tokio::test]
async fn an_alias_names_a_version_that_cannot_be_deleted_under_it() {
    let functions = Functions::start();
    functions.python("").await;
    let publish = || PublishVersionInput { function_name: "f".to_owned(), ..Default::default() };
    for _ in 0..2 {
        let version = functions.region.call::<PublishVersion>(publish()).await.unwrap();
        assert_eq!(version.version.as_deref(), Some("1"), "nothing has changed in between");
    }
    let alias = |name: &str, version: &str| CreateAliasInput {
        function_name: "f".to_owned(),
        name: name.to_owned(),
        function_version: version.to_owned(),
        ..Default::default()
    };
    functions.region.call::<CreateAlias>(alias("live", "1")).await.unwrap();
    let missing = functions.region.call::<CreateAlias>(alias("next", "2")).await.unwrap_err();
    assert_eq!(missing.message(), "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f:2");
    let answer = functions.region.call::<Invoke>(dry_run("f:live")).await.unwrap();
    assert_eq!(answer.executed_version.as_deref(), Some("1"));
    let delete = |qualifier: Option<&str>| DeleteFunctionInput {
        function_name: "f".to_owned(),
        qualifier: qualifier.map(str::to_owned),
    };
    let conflict = functions.region.call::<DeleteFunction>(delete(Some("1"))).await.unwrap_err();
    assert_eq!(conflict.name(), "ResourceConflictException");
    functions.region.call::<DeleteFunction>(delete(None)).await.unwrap();
    let get = GetAliasInput { function_name: "f".to_owned(), name: "live".to_owned() };
    assert_eq!(functions.region.call::<GetAlias>(get).await.unwrap_err().status(), 404);
}
