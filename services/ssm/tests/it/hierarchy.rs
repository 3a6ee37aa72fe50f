//! Parameters below paths, and filters.

use cloud::Ctx;
use ssm_api::op::{AddTagsToResource, DescribeParameters, GetParametersByPath, ListTagsForResource};
use ssm_api::{
    AddTagsToResourceInput, DescribeParametersInput, GetParametersByPathInput, ListTagsForResourceInput,
    ParameterStringFilter, Tag,
};

use crate::kit::{name, put, put_secure, region};

async fn below(ctx: &Ctx, path: &str, recursive: bool) -> Vec<String> {
    let input = GetParametersByPathInput {
        path: path.to_owned(),
        recursive: Some(recursive),
        with_decryption: Some(true),
        ..Default::default()
    };
    let output = ctx.call::<GetParametersByPath>(input).await.unwrap();
    output.parameters.unwrap().into_iter().filter_map(|parameter| parameter.name).collect()
}

fn filter(key: &str, option: Option<&str>, values: &[&str]) -> ParameterStringFilter {
    ParameterStringFilter {
        key: key.to_owned(),
        option: option.map(str::to_owned),
        values: Some(values.iter().map(|value| (*value).to_owned()).collect()),
    }
}

async fn described(ctx: &Ctx, filter: ParameterStringFilter) -> Result<Vec<String>, shapes::ApiError> {
    let input = DescribeParametersInput { parameter_filters: Some(vec![filter]), ..Default::default() };
    let output = ctx.call::<DescribeParameters>(input).await?;
    Ok(output.parameters.unwrap().into_iter().filter_map(|parameter| parameter.name).collect())
}

#[tokio::test]
async fn parameters_are_found_below_their_paths() {
    let region = region();
    let ctx = region.ctx();
    for name in ["/app/db/host", "/app/db/port", "/app/name", "/apple", "loose"] {
        put(&ctx, name, "x").await;
    }
    assert_eq!(below(&ctx, "/app", false).await, ["/app/name"]);
    assert_eq!(below(&ctx, "/app/", true).await, ["/app/db/host", "/app/db/port", "/app/name"]);
    assert_eq!(below(&ctx, "/", false).await, ["/apple", "loose"]);
    let page = |next_token| GetParametersByPathInput {
        path: "/app".to_owned(),
        recursive: Some(true),
        max_results: Some(2),
        next_token,
        ..Default::default()
    };
    let first = ctx.call::<GetParametersByPath>(page(None)).await.unwrap();
    assert_eq!(first.parameters.unwrap().len(), 2);
    let second = ctx.call::<GetParametersByPath>(page(first.next_token)).await.unwrap();
    assert_eq!((second.parameters.unwrap().len(), second.next_token), (1, None));
    let input = GetParametersByPathInput { path: "app".to_owned(), ..Default::default() };
    assert_eq!(name(ctx.call::<GetParametersByPath>(input).await), "ValidationException");
}

#[tokio::test]
async fn parameters_are_described_by_filters() {
    let region = region();
    let ctx = region.ctx();
    put(&ctx, "/app/name", "x").await;
    put(&ctx, "/web/name", "x").await;
    put_secure(&ctx, "/app/secret", "x", None).await.unwrap();
    let tags = vec![Tag { key: "team".to_owned(), value: "red".to_owned() }];
    let input = AddTagsToResourceInput {
        resource_type: "Parameter".to_owned(),
        resource_id: "/web/name".to_owned(),
        tags: tags.clone(),
    };
    ctx.call::<AddTagsToResource>(input).await.unwrap();
    let input = ListTagsForResourceInput {
        resource_type: "Parameter".to_owned(),
        resource_id: "/web/name".to_owned(),
    };
    assert_eq!(ctx.call::<ListTagsForResource>(input).await.unwrap().tag_list.unwrap(), tags);
    let found = async |filter| described(&ctx, filter).await.unwrap();
    assert_eq!(found(filter("Type", None, &["SecureString"])).await, ["/app/secret"]);
    assert_eq!(found(filter("KeyId", None, &["alias/aws/ssm"])).await, ["/app/secret"]);
    assert_eq!(found(filter("Name", Some("BeginsWith"), &["/web"])).await, ["/web/name"]);
    assert_eq!(found(filter("Name", Some("Contains"), &["name"])).await, ["/app/name", "/web/name"]);
    assert_eq!(found(filter("Path", Some("Recursive"), &["/app"])).await, ["/app/name", "/app/secret"]);
    assert_eq!(found(filter("tag:team", None, &["red"])).await, ["/web/name"]);
    assert_eq!(name(described(&ctx, filter("Other", None, &["x"])).await), "InvalidFilterKey");
    assert_eq!(name(described(&ctx, filter("Type", Some("Contains"), &["x"])).await), "InvalidFilterOption");
}
