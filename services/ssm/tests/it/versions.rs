//! Versions, labels, types and tiers.

use ssm_api::op::{
    DeleteParameters, GetParameterHistory, GetParameters, LabelParameterVersion, UnlabelParameterVersion,
};
use ssm_api::{
    DeleteParametersInput, GetParameterHistoryInput, GetParametersInput, LabelParameterVersionInput,
    UnlabelParameterVersionInput,
};

use crate::kit::{get, name, put, put_with, read, region};

#[tokio::test]
async fn a_parameter_is_overwritten_when_asked_and_keeps_its_versions() {
    let region = region();
    let ctx = region.ctx();
    assert_eq!(put(&ctx, "/a", "one").await, 1);
    let refused = put_with(&ctx, "/a", "two", |input| input.overwrite = None).await;
    assert_eq!(name(refused), "ParameterAlreadyExists");
    assert_eq!(put(&ctx, "/a", "two").await, 2);
    assert_eq!(get(&ctx, "/a").await.unwrap(), "two");
    assert_eq!(get(&ctx, "/a:1").await.unwrap(), "one");
    assert_eq!(get(&ctx, "arn:aws:ssm:us-east-1:000000000000:parameter/a").await.unwrap(), "two");
    let found = read(&ctx, "/a:1", false).await.unwrap();
    assert_eq!((found.version, found.selector.as_deref()), (Some(1), Some(":1")));
    assert_eq!(found.arn.as_deref(), Some("arn:aws:ssm:us-east-1:000000000000:parameter/a"));
    assert_eq!(name(get(&ctx, "/a:3").await), "ParameterVersionNotFound");
    assert_eq!(name(get(&ctx, "/b").await), "ParameterNotFound");
    let input = GetParameterHistoryInput { name: "/a".to_owned(), ..Default::default() };
    let history = ctx.call::<GetParameterHistory>(input).await.unwrap().parameters.unwrap();
    assert_eq!(
        history.iter().map(|entry| entry.value.as_deref()).collect::<Vec<_>>(),
        [Some("one"), Some("two")]
    );
}

#[tokio::test]
async fn labels_name_versions_and_move() {
    let region = region();
    let ctx = region.ctx();
    put(&ctx, "/a", "one").await;
    put(&ctx, "/a", "two").await;
    let label = async |version: Option<i64>, labels: &[&str]| {
        let input = LabelParameterVersionInput {
            name: "/a".to_owned(),
            parameter_version: version,
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        };
        ctx.call::<LabelParameterVersion>(input).await.map(|output| output.invalid_labels.unwrap())
    };
    assert_eq!(label(Some(1), &["live", "1st", "awsome"]).await.unwrap(), ["1st", "awsome"]);
    assert_eq!(get(&ctx, "/a:live").await.unwrap(), "one");
    assert!(label(None, &["live"]).await.unwrap().is_empty());
    assert_eq!(get(&ctx, "/a:live").await.unwrap(), "two");
    assert_eq!(name(label(Some(3), &["x"]).await), "ParameterVersionNotFound");
    let many: Vec<String> = (0..10).map(|number| format!("l{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(name(label(None, &many).await), "ParameterVersionLabelLimitExceeded");
    let input = UnlabelParameterVersionInput {
        name: "/a".to_owned(),
        parameter_version: 2,
        labels: vec!["live".to_owned(), "other".to_owned()],
    };
    let output = ctx.call::<UnlabelParameterVersion>(input).await.unwrap();
    assert_eq!(output.removed_labels.unwrap(), ["live"]);
    assert_eq!(output.invalid_labels.unwrap(), ["other"]);
    assert_eq!(name(get(&ctx, "/a:live").await), "ParameterVersionNotFound");
}

#[tokio::test]
async fn a_hundred_versions_are_kept_and_a_labelled_one_does_not_go() {
    let region = region();
    let ctx = region.ctx();
    for version in 1..=101 {
        assert_eq!(put(&ctx, "/a", &version.to_string()).await, version);
    }
    assert_eq!(name(get(&ctx, "/a:1").await), "ParameterVersionNotFound");
    let input = LabelParameterVersionInput {
        name: "/a".to_owned(),
        parameter_version: Some(2),
        labels: vec!["kept".to_owned()],
    };
    ctx.call::<LabelParameterVersion>(input).await.unwrap();
    assert_eq!(name(put_with(&ctx, "/a", "x", |_| {}).await), "ParameterMaxVersionLimitExceeded");
}

#[tokio::test]
async fn types_tiers_and_patterns_are_held_to() {
    let region = region();
    let ctx = region.ctx();
    assert_eq!(name(put_with(&ctx, "/a", "x", |input| input.r#type = None).await), "ValidationException");
    put(&ctx, "/a", "x").await;
    let other = put_with(&ctx, "/a", "x", |input| input.r#type = Some("SecureString".to_owned())).await;
    assert_eq!(name(other), "HierarchyTypeMismatchException");
    let list = |input: &mut ssm_api::PutParameterInput| input.r#type = Some("StringList".to_owned());
    put_with(&ctx, "/list", "a,b", list).await.unwrap();
    let long = "x".repeat(4097);
    assert_eq!(name(put_with(&ctx, "/long", &long, |_| {}).await), "ValidationException");
    let tier =
        |name: &'static str| move |input: &mut ssm_api::PutParameterInput| input.tier = Some(name.to_owned());
    put_with(&ctx, "/long", &long, tier("Intelligent-Tiering")).await.unwrap();
    assert_eq!(name(put_with(&ctx, "/long", "x", tier("Standard")).await), "ValidationException");
    assert_eq!(
        name(put_with(&ctx, "/long", &"x".repeat(8193), tier("Advanced")).await),
        "ValidationException"
    );
    let pattern = |input: &mut ssm_api::PutParameterInput| input.allowed_pattern = Some(r"\d+".to_owned());
    put_with(&ctx, "/number", "12", pattern).await.unwrap();
    assert_eq!(name(put_with(&ctx, "/number", "12a", |_| {}).await), "ParameterPatternMismatchException");
}

#[tokio::test]
async fn several_are_read_and_deleted_at_once() {
    let region = region();
    let ctx = region.ctx();
    put(&ctx, "a", "1").await;
    put(&ctx, "b", "2").await;
    let names = || vec!["a".to_owned(), "b:1".to_owned(), "c".to_owned()];
    let input = GetParametersInput { names: names(), with_decryption: None };
    let output = ctx.call::<GetParameters>(input).await.unwrap();
    assert_eq!(output.parameters.unwrap().len(), 2);
    assert_eq!(output.invalid_parameters.unwrap(), ["c"]);
    let input = DeleteParametersInput { names: names() };
    let output = ctx.call::<DeleteParameters>(input).await.unwrap();
    assert_eq!(output.invalid_parameters.unwrap(), ["c"]);
    assert_eq!(name(get(&ctx, "a").await), "ParameterNotFound");
    assert_eq!(put(&ctx, "a", "new").await, 1);
    assert_eq!(name(get(&ctx, "a:2").await), "ParameterVersionNotFound");
}
