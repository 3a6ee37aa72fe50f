//! Text messages: kept for reading, and refused by those who want none.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use shapes::ApiError;
use sns_api::op::{
    CheckIfPhoneNumberIsOptedOut, CreateSMSSandboxPhoneNumber, DeleteSMSSandboxPhoneNumber, GetSMSAttributes,
    GetSMSSandboxAccountStatus, ListPhoneNumbersOptedOut, ListSMSSandboxPhoneNumbers, OptInPhoneNumber,
    Publish, SetSMSAttributes, VerifySMSSandboxPhoneNumber,
};
use sns_api::{
    CheckIfPhoneNumberIsOptedOutInput, CreateSMSSandboxPhoneNumberInput, DeleteSMSSandboxPhoneNumberInput,
    GetSMSAttributesInput, GetSMSSandboxAccountStatusInput, ListPhoneNumbersOptedOutInput,
    ListSMSSandboxPhoneNumbersInput, MessageAttributeValue, OptInPhoneNumberInput, PublishInput,
    SetSMSAttributesInput, VerifySMSSandboxPhoneNumberInput,
};

use crate::kit::Sns;

const PHONE: &str = "+14155550100";

async fn text(sns: &Sns, number: &str, message: &str, sender: Option<&str>) -> Result<(), ApiError> {
    let sender = sender.map(|sender| {
        let value = MessageAttributeValue {
            data_type: "String".to_owned(),
            string_value: Some(sender.to_owned()),
            ..Default::default()
        };
        [("AWS.SNS.SMS.SenderID".to_owned(), value)].into()
    });
    let input = PublishInput {
        phone_number: Some(number.to_owned()),
        message: message.to_owned(),
        message_attributes: sender,
        ..Default::default()
    };
    sns.region.call::<Publish>(input).await.map(|_| ())
}

fn bodies(sns: &Sns) -> Vec<String> {
    let texts = sns::inbox(&sns.region.cloud).text_messages(None, 100).expect("the inbox can be read");
    texts.into_iter().rev().map(|text| text.body).collect()
}

async fn set(sns: &Sns, name: &str, value: &str) -> Result<(), ApiError> {
    let input = SetSMSAttributesInput { attributes: [(name.to_owned(), value.to_owned())].into() };
    sns.region.call::<SetSMSAttributes>(input).await.map(|_| ())
}

async fn answer(sns: &Sns, body: &'static str) {
    let endpoint = sns::endpoint(sns.region.cloud.clone());
    let request = Request::post("/_brume/sms").body(Bytes::from_static(body.as_bytes())).expect("a request");
    let (head, body) = request.into_parts();
    assert!(endpoint.claims(&head));
    let response = endpoint.serve(Request::from_parts(head, body), None, "id").await;
    assert_eq!(response.status(), 200, "{response:?}");
}

#[tokio::test]
async fn messages_stay_in_the_inbox_with_their_sender() {
    let sns = Sns::start().await;
    text(&sns, PHONE, "plain", None).await.unwrap();
    set(&sns, "DefaultSenderID", "Shop").await.unwrap();
    set(&sns, "DefaultSMSType", "Transactional").await.unwrap();
    text(&sns, PHONE, "named", None).await.unwrap();
    text(&sns, PHONE, "own", Some("Mine")).await.unwrap();
    let texts = sns::inbox(&sns.region.cloud).text_messages(None, 100).unwrap();
    let shown: Vec<_> = texts.iter().map(|text| (&*text.body, text.sender.as_deref(), &*text.kind)).collect();
    assert_eq!(
        shown,
        [
            ("own", Some("Mine"), "Transactional"),
            ("named", Some("Shop"), "Transactional"),
            ("plain", None, "Promotional"),
        ]
    );
    let error = text(&sns, "555", "x", None).await.unwrap_err();
    assert_eq!(error.message(), "Invalid parameter: PhoneNumber Reason: 555 is not valid to publish to");
    // Over HTTP they are read the same way.
    let endpoint = sns::endpoint(sns.region.cloud.clone());
    let request = Request::get("/_brume/sms").body(Bytes::new()).unwrap();
    let response = endpoint.serve(request, None, "id").await;
    let listed: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(listed["messages"][0]["to"], PHONE);
}

#[tokio::test]
async fn topics_reach_phones() {
    let sns = Sns::start().await;
    sns.subscribe("sms", PHONE, &[]).await.unwrap();
    sns.publish("news").await.unwrap();
    assert_eq!(bodies(&sns), ["news"]);
}

#[tokio::test]
async fn who_answers_stop_gets_nothing_until_opted_in() {
    let sns = Sns::start().await;
    let is_out = async || {
        let input = CheckIfPhoneNumberIsOptedOutInput { phone_number: PHONE.to_owned() };
        sns.region.call::<CheckIfPhoneNumberIsOptedOut>(input).await.unwrap().is_opted_out.unwrap()
    };
    let opt_in = async || {
        let input = OptInPhoneNumberInput { phone_number: PHONE.to_owned() };
        sns.region.call::<OptInPhoneNumber>(input).await.map(|_| ())
    };
    assert!(!is_out().await);
    answer(&sns, r#"{"from":"+14155550100","body":" stop "}"#).await;
    assert!(is_out().await);
    text(&sns, PHONE, "unwanted", None).await.unwrap();
    assert!(bodies(&sns).is_empty());
    let input = ListPhoneNumbersOptedOutInput::default();
    let listed = sns.region.call::<ListPhoneNumbersOptedOut>(input).await.unwrap();
    assert_eq!(listed.phone_numbers, Some(vec![PHONE.to_owned()]));
    opt_in().await.unwrap();
    text(&sns, PHONE, "wanted", None).await.unwrap();
    assert_eq!(bodies(&sns), ["wanted"]);
    // Once in thirty days.
    answer(&sns, r#"{"from":"+14155550100","body":"STOP"}"#).await;
    assert_eq!(opt_in().await.unwrap_err().code(), "InvalidParameter");
    sns.region.advance(Duration::from_secs(30 * 86_400)).await;
    opt_in().await.unwrap();
    let input = CheckIfPhoneNumberIsOptedOutInput { phone_number: "555".to_owned() };
    let error = sns.region.call::<CheckIfPhoneNumberIsOptedOut>(input).await.unwrap_err();
    assert!(error.message().contains("input incorrectly formatted"), "{error}");
}

#[tokio::test]
async fn preferences_are_checked() {
    let sns = Sns::start().await;
    for (name, value) in [
        ("DefaultSMSType", "Loud"),
        ("MonthlySpendLimit", "lots"),
        ("DeliveryStatusSuccessSamplingRate", "101"),
        ("DefaultSenderID", "far too long a name"),
        ("Nonsense", "x"),
    ] {
        assert_eq!(set(&sns, name, value).await.unwrap_err().code(), "InvalidParameter", "{name}");
    }
    set(&sns, "DefaultSMSType", "Promotional").await.unwrap();
    let input = GetSMSAttributesInput { attributes: Some(vec!["DefaultSMSType".to_owned()]) };
    let attributes = sns.region.call::<GetSMSAttributes>(input).await.unwrap().attributes.unwrap();
    assert_eq!(attributes, [("DefaultSMSType".to_owned(), "Promotional".to_owned())].into());
}

#[tokio::test]
async fn sandbox_numbers_are_verified_by_password() {
    let sns = Sns::start().await;
    let phone_number = PHONE.to_owned();
    let input = CreateSMSSandboxPhoneNumberInput { phone_number: phone_number.clone(), ..Default::default() };
    sns.region.call::<CreateSMSSandboxPhoneNumber>(input).await.unwrap();
    let password = bodies(&sns)[0].rsplit(' ').next().unwrap().to_owned();
    let verify = async |one_time_password: String| {
        let input =
            VerifySMSSandboxPhoneNumberInput { phone_number: phone_number.clone(), one_time_password };
        sns.region.call::<VerifySMSSandboxPhoneNumber>(input).await.map(|_| ())
    };
    assert!(verify("0".to_owned()).await.unwrap_err().name().starts_with("Verification"));
    verify(password).await.unwrap();
    let list = async || {
        let input = ListSMSSandboxPhoneNumbersInput::default();
        sns.region.call::<ListSMSSandboxPhoneNumbers>(input).await.unwrap().phone_numbers
    };
    assert_eq!(list().await[0].status.as_deref(), Some("Verified"));
    let input = DeleteSMSSandboxPhoneNumberInput { phone_number: phone_number.clone() };
    sns.region.call::<DeleteSMSSandboxPhoneNumber>(input).await.unwrap();
    assert!(list().await.is_empty());
    let input = GetSMSSandboxAccountStatusInput {};
    assert!(!sns.region.call::<GetSMSSandboxAccountStatus>(input).await.unwrap().is_in_sandbox);
}

#[tokio::test]
async fn no_account_has_origination_numbers() {
    let sns = Sns::start().await;
    let input = sns_api::ListOriginationNumbersInput::default();
    let output = sns.region.call::<sns_api::op::ListOriginationNumbers>(input).await.unwrap();
    assert_eq!((output.phone_numbers.unwrap().len(), output.next_token), (0, None));
    let input =
        sns_api::ListOriginationNumbersInput { next_token: Some("x".to_owned()), ..Default::default() };
    let error = sns.region.call::<sns_api::op::ListOriginationNumbers>(input).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameter");
}
