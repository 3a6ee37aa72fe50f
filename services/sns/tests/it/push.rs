//! Push notifications: applications, devices, and what they would have got.

use serde_json::Value;
use shapes::ApiError;
use sns_api::op::{
    CreatePlatformApplication, CreatePlatformEndpoint, DeletePlatformApplication, GetEndpointAttributes,
    GetPlatformApplicationAttributes, ListEndpointsByPlatformApplication, ListPlatformApplications, Publish,
    SetEndpointAttributes,
};
use sns_api::{
    CreatePlatformApplicationInput, CreatePlatformEndpointInput, DeletePlatformApplicationInput,
    GetEndpointAttributesInput, GetPlatformApplicationAttributesInput,
    ListEndpointsByPlatformApplicationInput, ListPlatformApplicationsInput, PublishInput,
    SetEndpointAttributesInput,
};

use crate::kit::Sns;

const APPLICATION: &str = "arn:aws:sns:us-east-1:000000000000:app/GCM/shop";

async fn create_application(sns: &Sns) {
    let input = CreatePlatformApplicationInput {
        name: "shop".to_owned(),
        platform: "GCM".to_owned(),
        attributes: [("PlatformCredential".to_owned(), "secret".to_owned())].into(),
    };
    let made = sns.region.call::<CreatePlatformApplication>(input).await.expect("it is new");
    assert_eq!(made.platform_application_arn.as_deref(), Some(APPLICATION));
}

async fn create_device(sns: &Sns, token: &str, data: Option<&str>) -> Result<String, ApiError> {
    let input = CreatePlatformEndpointInput {
        platform_application_arn: APPLICATION.to_owned(),
        token: token.to_owned(),
        custom_user_data: data.map(str::to_owned),
        ..Default::default()
    };
    Ok(sns.region.call::<CreatePlatformEndpoint>(input).await?.endpoint_arn.unwrap_or_default())
}

async fn publish(sns: &Sns, target: &str, message: &str, structure: Option<&str>) -> Result<(), ApiError> {
    let input = PublishInput {
        target_arn: Some(target.to_owned()),
        message: message.to_owned(),
        message_structure: structure.map(str::to_owned),
        ..Default::default()
    };
    sns.region.call::<Publish>(input).await.map(|_| ())
}

#[tokio::test]
async fn a_device_gets_its_platforms_message() {
    let sns = Sns::start().await;
    create_application(&sns).await;
    let device = create_device(&sns, "t1", None).await.unwrap();
    assert!(device.starts_with("arn:aws:sns:us-east-1:000000000000:endpoint/GCM/shop/"), "{device}");
    publish(&sns, &device, "plain", None).await.unwrap();
    let structured = r#"{"default":"d","GCM":"{\"notification\":{\"title\":\"hi\"}}","APNS":"x"}"#;
    publish(&sns, &device, structured, Some("json")).await.unwrap();
    let pushes = sns::inbox(&sns.region.cloud).pushes(None, 10).unwrap();
    assert_eq!((&*pushes[1].body, &*pushes[1].token, &pushes[1].endpoint), ("plain", "t1", &device));
    let sent: Value = serde_json::from_str(&pushes[0].body).unwrap();
    assert_eq!(sent["notification"]["title"], "hi");
}

#[tokio::test]
async fn topics_reach_devices_and_disabled_ones_are_refused() {
    let sns = Sns::start().await;
    create_application(&sns).await;
    let device = create_device(&sns, "t1", None).await.unwrap();
    sns.subscribe("application", &device, &[]).await.unwrap();
    sns.publish("news").await.unwrap();
    let count = || sns::inbox(&sns.region.cloud).pushes(None, 10).unwrap().len();
    assert_eq!(count(), 1);
    let input = SetEndpointAttributesInput {
        endpoint_arn: device.clone(),
        attributes: [("Enabled".to_owned(), "false".to_owned())].into(),
    };
    sns.region.call::<SetEndpointAttributes>(input).await.unwrap();
    let error = publish(&sns, &device, "x", None).await.unwrap_err();
    assert_eq!((error.code(), error.message()), ("EndpointDisabled", "Endpoint is disabled"));
    sns.publish("unseen").await.unwrap();
    assert_eq!(count(), 1);
    assert_eq!(sns.metric("NumberOfNotificationsFailed"), 1.0);
}

#[tokio::test]
async fn devices_are_one_per_token() {
    let sns = Sns::start().await;
    let refused = create_device(&sns, "t", None).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), ("NotFound", "PlatformApplication does not exist"));
    create_application(&sns).await;
    let first = create_device(&sns, "t", None).await.unwrap();
    assert_eq!(create_device(&sns, "t", None).await.unwrap(), first);
    let error = create_device(&sns, "t", Some("other")).await.unwrap_err();
    assert!(
        error.message().contains("already exists with the same Token, but different attributes"),
        "{error}"
    );
    create_device(&sns, "u", Some("data")).await.unwrap();
    let input = ListEndpointsByPlatformApplicationInput {
        platform_application_arn: APPLICATION.to_owned(),
        ..Default::default()
    };
    let listed = sns.region.call::<ListEndpointsByPlatformApplication>(input).await.unwrap();
    assert_eq!(listed.endpoints.unwrap().len(), 2);
    let input = GetEndpointAttributesInput { endpoint_arn: first.clone() };
    let attributes = sns.region.call::<GetEndpointAttributes>(input).await.unwrap().attributes.unwrap();
    assert_eq!((&*attributes["Token"], &*attributes["Enabled"]), ("t", "true"));
}

#[tokio::test]
async fn applications_keep_no_secrets_and_take_their_devices_along() {
    let sns = Sns::start().await;
    create_application(&sns).await;
    let device = create_device(&sns, "t", None).await.unwrap();
    let input = GetPlatformApplicationAttributesInput { platform_application_arn: APPLICATION.to_owned() };
    let shown = sns.region.call::<GetPlatformApplicationAttributes>(input).await.unwrap().attributes.unwrap();
    assert_eq!(shown, [("Enabled".to_owned(), "true".to_owned())].into());
    let list = async || {
        let listed =
            sns.region.call::<ListPlatformApplications>(ListPlatformApplicationsInput::default()).await;
        listed.unwrap().platform_applications.unwrap().len()
    };
    assert_eq!(list().await, 1);
    let input = DeletePlatformApplicationInput { platform_application_arn: APPLICATION.to_owned() };
    sns.region.call::<DeletePlatformApplication>(input).await.unwrap();
    assert_eq!(list().await, 0);
    let error = publish(&sns, &device, "x", None).await.unwrap_err();
    assert_eq!((error.code(), error.message()), ("NotFound", "Endpoint does not exist"));
}
