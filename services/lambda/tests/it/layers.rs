//! Layers: published, listed, used by functions below `/opt`.

use lambda_api::op::{
    AddLayerVersionPermission, DeleteLayerVersion, GetFunctionConfiguration, GetLayerVersion,
    GetLayerVersionByArn, GetLayerVersionPolicy, ListLayerVersions, ListLayers, PublishLayerVersion,
};
use lambda_api::{
    AddLayerVersionPermissionInput, DeleteLayerVersionInput, GetFunctionConfigurationInput,
    GetLayerVersionByArnInput, GetLayerVersionInput, GetLayerVersionPolicyInput, LayerVersionContentInput,
    ListLayerVersionsInput, ListLayersInput, PublishLayerVersionInput,
};
use serde_json::json;
use shapes::ApiError;

use crate::kit::{Functions, host_isolates, installed, variables, zip};

const LAYER: &str = "arn:aws:lambda:us-east-1:000000000000:layer:shared";

async fn publish(functions: &Functions, name: &str, files: &[(&str, &str)]) -> Result<String, ApiError> {
    let input = PublishLayerVersionInput {
        layer_name: name.to_owned(),
        content: LayerVersionContentInput { zip_file: Some(zip(files).into()), ..Default::default() },
        compatible_runtimes: Some(vec!["python3.12".to_owned()]),
        ..Default::default()
    };
    let published = functions.region.call::<PublishLayerVersion>(input).await?;
    Ok(published.layer_version_arn.unwrap_or_default())
}

#[tokio::test]
async fn versions_are_counted_listed_and_deleted() {
    let functions = Functions::start();
    for number in 1..=2 {
        let arn = publish(&functions, "shared", &[("python/m.py", "x = 1")]).await.unwrap();
        assert_eq!(arn, format!("{LAYER}:{number}"));
    }
    publish(&functions, "other", &[("a", "b")]).await.unwrap();
    let input = ListLayersInput { compatible_runtime: Some("python3.12".to_owned()), ..Default::default() };
    let layers = functions.region.call::<ListLayers>(input).await.unwrap().layers.unwrap();
    assert_eq!(layers.len(), 2);
    assert_eq!(layers[1].latest_matching_version.as_ref().unwrap().version, Some(2));
    let input = ListLayersInput { compatible_runtime: Some("nodejs20.x".to_owned()), ..Default::default() };
    assert!(functions.region.call::<ListLayers>(input).await.unwrap().layers.unwrap().is_empty());

    let get = async |version| {
        let input = GetLayerVersionInput { layer_name: "shared".to_owned(), version_number: version };
        functions.region.call::<GetLayerVersion>(input).await
    };
    let content = get(1).await.unwrap().content.unwrap();
    assert!(content.location.unwrap().contains("/_brume/lambda/packages/"));
    let input = GetLayerVersionByArnInput { arn: format!("{LAYER}:2") };
    assert_eq!(functions.region.call::<GetLayerVersionByArn>(input).await.unwrap().version, Some(2));

    let input = DeleteLayerVersionInput { layer_name: "shared".to_owned(), version_number: 2 };
    functions.region.call::<DeleteLayerVersion>(input).await.unwrap();
    assert_eq!(get(2).await.unwrap_err().code(), "ResourceNotFoundException");
    let list = async || {
        let input = ListLayerVersionsInput { layer_name: "shared".to_owned(), ..Default::default() };
        functions.region.call::<ListLayerVersions>(input).await.unwrap().layer_versions.unwrap()
    };
    assert_eq!(list().await.iter().map(|version| version.version).collect::<Vec<_>>(), [Some(1)]);
    // Numbers are not given twice.
    let arn = publish(&functions, "shared", &[("a", "c")]).await.unwrap();
    assert_eq!(arn, format!("{LAYER}:3"));
    assert_eq!(list().await.iter().map(|version| version.version).collect::<Vec<_>>(), [Some(3), Some(1)]);
}

#[tokio::test]
async fn other_accounts_need_permission() {
    let functions = Functions::start();
    publish(&functions, "shared", &[("a", "b")]).await.unwrap();
    let other = functions.region.as_account("111111111111");
    let input = GetLayerVersionByArnInput { arn: format!("{LAYER}:1") };
    assert_eq!(other.call::<GetLayerVersionByArn>(input.clone()).await.unwrap_err().status(), 403);
    let grant = AddLayerVersionPermissionInput {
        layer_name: "shared".to_owned(),
        version_number: 1,
        statement_id: "all".to_owned(),
        action: "lambda:GetLayerVersion".to_owned(),
        principal: "111111111111".to_owned(),
        ..Default::default()
    };
    functions.region.call::<AddLayerVersionPermission>(grant).await.unwrap();
    assert_eq!(other.call::<GetLayerVersionByArn>(input).await.unwrap().version, Some(1));
    let input = GetLayerVersionPolicyInput { layer_name: "shared".to_owned(), version_number: 1 };
    let policy = functions.region.call::<GetLayerVersionPolicy>(input).await.unwrap();
    assert!(policy.policy.unwrap().contains("\"Sid\":\"all\""));
}

#[tokio::test]
async fn only_layers_that_are_there_can_be_used() {
    let functions = Functions::start();
    let one = publish(&functions, "shared", &[("a", "b")]).await.unwrap();
    let two = publish(&functions, "shared", &[("a", "c")]).await.unwrap();
    for (layers, message) in [
        (vec![format!("{LAYER}:9")], "does not exist"),
        (vec![one.clone(), two], "Two different versions of the same layer"),
        (vec![one; 6], "Cannot reference more than 5 layers"),
        (vec!["shared".to_owned()], "is not the ARN of a layer's version"),
    ] {
        let change = |input: &mut lambda_api::CreateFunctionInput| input.layers = Some(layers);
        let created = functions.create("f", "python3.12", &[("index.py", "")], change).await;
        let error = created.unwrap_err();
        assert_eq!(error.code(), "InvalidParameterValueException");
        assert!(error.message().contains(message), "{error}");
    }
}

#[tokio::test]
async fn python_functions_import_from_layers_and_later_ones_win() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::start();
    let first = [("python/one.py", "value = 'first'"), ("python/both.py", "value = 'first'")];
    let second = [("python/both.py", "value = 'second'"), ("data.txt", "text")];
    let layers = vec![
        publish(&functions, "a", &first).await.unwrap(),
        publish(&functions, "b", &second).await.unwrap(),
    ];
    let code = "import one, both\n\
                def handler(event, context):\n    return [one.value, both.value, open('/opt/data.txt').read()]\n";
    let change = |input: &mut lambda_api::CreateFunctionInput| input.layers = Some(layers.clone());
    functions.create("f", "python3.12", &[("index.py", code)], change).await.unwrap();
    let answer = functions.invoke(&json!({})).await;
    assert_eq!(answer.payload, json!(["first", "second", "text"]), "{answer:?}");
    let input = GetFunctionConfigurationInput { function_name: "f".to_owned(), ..Default::default() };
    let shown = functions.region.call::<GetFunctionConfiguration>(input).await.unwrap().layers.unwrap();
    assert_eq!(shown.iter().filter_map(|layer| layer.arn.clone()).collect::<Vec<_>>(), layers);
}

#[tokio::test]
async fn a_layer_brings_a_bootstrap_and_a_wrapper() {
    if !host_isolates() || !installed("python3") || !installed("bash") {
        return;
    }
    let functions = Functions::start();
    let bootstrap = crate::running::bash("answer='\"from the layer\"'");
    let layer = publish(&functions, "runtime", &[("bootstrap", &bootstrap)]).await.unwrap();
    let change = |input: &mut lambda_api::CreateFunctionInput| input.layers = Some(vec![layer.clone()]);
    functions.create("p", "provided.al2023", &[("data", "")], change).await.unwrap();
    let answer = functions.try_invoke("p", &json!({})).await.unwrap();
    assert_eq!(answer.payload, json!("from the layer"), "{answer:?}");

    let wrapper = "#!/bin/bash\nexport WRAPPED=yes\nexec \"$@\"\n";
    let layer = publish(&functions, "wrapper", &[("bootstrap", wrapper)]).await.unwrap();
    let change = |input: &mut lambda_api::CreateFunctionInput| {
        input.layers = Some(vec![layer.clone()]);
        input.environment = Some(variables(&[("AWS_LAMBDA_EXEC_WRAPPER", "/opt/bootstrap")]));
    };
    let code = "import os\ndef handler(event, context):\n    return os.environ.get('WRAPPED')\n";
    functions.create("f", "python3.12", &[("index.py", code)], change).await.unwrap();
    assert_eq!(functions.invoke(&json!({})).await.payload, json!("yes"));
}
