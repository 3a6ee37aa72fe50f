//! Passwords and second factors.

use iam_api::op::{
    ChangePassword, CreateLoginProfile, CreateVirtualMFADevice, DeactivateMFADevice, DeleteLoginProfile,
    DeleteUser, DeleteVirtualMFADevice, EnableMFADevice, GetAccountPasswordPolicy, GetLoginProfile,
    ListMFADevices, UpdateAccountPasswordPolicy, UpdateLoginProfile,
};
use iam_api::{
    ChangePasswordInput, CreateLoginProfileInput, CreateVirtualMFADeviceInput, DeactivateMFADeviceInput,
    DeleteLoginProfileInput, DeleteUserInput, DeleteVirtualMFADeviceInput, EnableMFADeviceInput,
    GetAccountPasswordPolicyInput, GetLoginProfileInput, ListMFADevicesInput,
    UpdateAccountPasswordPolicyInput, UpdateLoginProfileInput,
};
use ring::hmac;
use sts_api::op::GetSessionToken;
use sts_api::{GetSessionTokenInput, GetSessionTokenOutput};

use crate::kit::Subject;

const SERIAL: &str = "arn:aws:iam::000000000000:mfa/phone";

fn password(user: &str, password: &str) -> CreateLoginProfileInput {
    CreateLoginProfileInput {
        user_name: Some(user.to_owned()),
        password: Some(password.to_owned()),
        password_reset_required: Some(true),
    }
}

#[tokio::test]
async fn passwords_are_as_the_account_asks() {
    let subject = Subject::start();
    subject.user("ada").await;
    let (code, message) = subject.refused::<CreateLoginProfile>(password("ada", "short")).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("PasswordPolicyViolation", "Password should have a minimum length of 8")
    );
    let (code, message) = subject.refused::<GetAccountPasswordPolicy>(GetAccountPasswordPolicyInput {}).await;
    assert_eq!(code, "NoSuchEntity");
    assert_eq!(message, "The Password Policy with domain name 000000000000 cannot be found.");
    let input = UpdateAccountPasswordPolicyInput {
        minimum_password_length: Some(10),
        require_symbols: Some(true),
        max_password_age: Some(90),
        ..Default::default()
    };
    subject.call::<UpdateAccountPasswordPolicy>(input).await.expect("a policy");
    let policy = subject.call::<GetAccountPasswordPolicy>(GetAccountPasswordPolicyInput {}).await;
    let policy = policy.expect("there is one now").password_policy;
    assert_eq!((policy.minimum_password_length, policy.expire_passwords), (Some(10), Some(true)));
    let (_, message) = subject.refused::<CreateLoginProfile>(password("ada", "longenough1")).await;
    assert_eq!(message, "Password should have at least one symbol");
    subject.call::<CreateLoginProfile>(password("ada", "longenough!")).await.expect("as it is asked");
    let (code, _) = subject.refused::<CreateLoginProfile>(password("ada", "longenough!")).await;
    assert_eq!(code, "EntityAlreadyExists");
    let input = GetLoginProfileInput { user_name: Some("ada".to_owned()) };
    let profile = subject.call::<GetLoginProfile>(input).await.expect("there is one").login_profile;
    assert_eq!(profile.password_reset_required, Some(true));
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_not_back() {
    let subject = Subject::start();
    let key = subject.user("ada").await;
    subject.call::<CreateLoginProfile>(password("ada", "First-1st")).await.expect("a first password");
    let input = UpdateAccountPasswordPolicyInput {
        allow_users_to_change_password: Some(true),
        password_reuse_prevention: Some(2),
        ..Default::default()
    };
    subject.call::<UpdateAccountPasswordPolicy>(input).await.expect("a policy");
    let change = async |old: &str, new: &str| {
        let input = ChangePasswordInput { old_password: old.to_owned(), new_password: new.to_owned() };
        subject.as_key(&key.access_key_id).call::<ChangePassword>(input).await
    };
    assert_eq!(change("Wrong-1st", "Second-2nd").await.expect_err("not the password").code(), "AccessDenied");
    change("First-1st", "Second-2nd").await.expect("the right one");
    let back = change("Second-2nd", "First-1st").await.expect_err("it was used before");
    assert_eq!(back.code(), "PasswordPolicyViolation");
    let input = GetLoginProfileInput { user_name: Some("ada".to_owned()) };
    let profile = subject.call::<GetLoginProfile>(input).await.expect("there is one").login_profile;
    assert_eq!(profile.password_reset_required, Some(false), "it was reset");
    let input = UpdateLoginProfileInput {
        user_name: "nobody".to_owned(),
        password_reset_required: Some(true),
        ..Default::default()
    };
    assert_eq!(subject.refused::<UpdateLoginProfile>(input).await.0, "NoSuchEntity");
}

#[tokio::test]
async fn a_user_with_a_password_is_not_deleted() {
    let subject = Subject::start();
    subject.user("ada").await;
    subject.call::<CreateLoginProfile>(password("ada", "First-1st")).await.expect("a first password");
    let (code, message) =
        subject.refused::<DeleteUser>(DeleteUserInput { user_name: "ada".to_owned() }).await;
    assert_eq!(code, "DeleteConflict");
    assert_eq!(message, "Cannot delete entity, must delete login profile first.");
    let input = || DeleteLoginProfileInput { user_name: Some("ada".to_owned()) };
    subject.call::<DeleteLoginProfile>(input()).await.expect("there is one");
    let (code, message) = subject.refused::<DeleteLoginProfile>(input()).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("NoSuchEntity", "Login Profile for User ada cannot be found.")
    );
}

/// An authenticator that knows a device's seed.
struct Authenticator(Vec<u8>);

impl Authenticator {
    /// Reads base 32.
    fn new(seed: &[u8]) -> Self {
        let digits = seed.iter().map(|letter| match letter {
            b'A'..=b'Z' => u64::from(letter - b'A'),
            _ => u64::from(letter - b'2') + 26,
        });
        let digits: Vec<_> = digits.collect();
        let groups =
            digits.chunks_exact(8).map(|group| group.iter().fold(0u64, |bits, digit| bits << 5 | digit));
        Self(groups.flat_map(|bits| bits.to_be_bytes()[3..].to_vec()).collect())
    }

    /// The code of RFC 6238, so many steps after the tests' beginning.
    fn code(&self, after: i64) -> String {
        let step: i64 = ::kit::START.seconds() / 30 + after;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let offset = usize::from(tag.as_ref()[19] & 0x0F);
        let word =
            tag.as_ref()[offset..offset + 4].iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        format!("{:06}", (word & 0x7FFF_FFFF) % 1_000_000)
    }
}

async fn enabled(subject: &Subject, user: &str) -> Authenticator {
    let input =
        CreateVirtualMFADeviceInput { virtual_mfa_device_name: "phone".to_owned(), ..Default::default() };
    let device =
        subject.call::<CreateVirtualMFADevice>(input).await.expect("a new device").virtual_mfa_device;
    assert_eq!(device.serial_number, SERIAL);
    let phone = Authenticator::new(&device.base32_string_seed.expect("a seed"));
    let enable = |first: String, second: String| EnableMFADeviceInput {
        user_name: user.to_owned(),
        serial_number: SERIAL.to_owned(),
        authentication_code1: first,
        authentication_code2: second,
    };
    let (code, _) = subject.refused::<EnableMFADevice>(enable(phone.code(1), phone.code(0))).await;
    assert_eq!(code, "InvalidAuthenticationCode");
    subject.call::<EnableMFADevice>(enable(phone.code(-1), phone.code(0))).await.expect("two codes in order");
    phone
}

#[tokio::test]
async fn a_session_with_a_second_factor_says_so_and_a_code_opens_once() {
    let subject = Subject::start();
    let key = subject.user("ada").await;
    let phone = enabled(&subject, "ada").await;
    let session = async |code: String| -> Result<GetSessionTokenOutput, shapes::ApiError> {
        let input = GetSessionTokenInput {
            serial_number: Some(SERIAL.to_owned()),
            token_code: Some(code),
            ..Default::default()
        };
        subject.as_key(&key.access_key_id).call::<GetSessionToken>(input).await
    };
    assert_eq!(session("000000".to_owned()).await.expect_err("a guess").code(), "AccessDenied");
    let credentials = session(phone.code(1)).await.expect("the right code").credentials.expect("credentials");
    let known = subject.credential(&credentials.access_key_id).expect("a session's key");
    assert_eq!(known.actor.session.mfa_authenticated_at, Some(::kit::START.seconds()));
    assert_eq!(session(phone.code(1)).await.expect_err("it was taken").code(), "AccessDenied");
    // With it the session may call IAM, without it not.
    let own = ListMFADevicesInput::default;
    let devices = subject.as_key(&credentials.access_key_id).call::<ListMFADevices>(own()).await;
    // The test's directory lets users do nothing, so the call gets as far as being weighed.
    assert_eq!(devices.expect_err("no policy allows it").code(), "AccessDenied");
    let weak =
        subject.as_key(&key.access_key_id).call::<GetSessionToken>(GetSessionTokenInput::default()).await;
    let weak = weak.expect("no factor is asked for").credentials.expect("credentials");
    let refused = subject.as_key(&weak.access_key_id).call::<ListMFADevices>(own()).await;
    assert_eq!(refused.expect_err("no second factor").code(), "InvalidClientTokenId");
}

#[tokio::test]
async fn a_device_in_use_stays() {
    let subject = Subject::start();
    subject.user("ada").await;
    enabled(&subject, "ada").await;
    let delete = || DeleteVirtualMFADeviceInput { serial_number: SERIAL.to_owned() };
    assert_eq!(subject.refused::<DeleteVirtualMFADevice>(delete()).await.0, "DeleteConflict");
    let input = ListMFADevicesInput { user_name: Some("ada".to_owned()), ..Default::default() };
    let devices = subject.call::<ListMFADevices>(input).await.expect("a known user").mfa_devices;
    assert_eq!(devices.iter().map(|device| device.serial_number.as_str()).collect::<Vec<_>>(), [SERIAL]);
    let input =
        DeactivateMFADeviceInput { user_name: Some("ada".to_owned()), serial_number: SERIAL.to_owned() };
    subject.call::<DeactivateMFADevice>(input).await.expect("it is ada's");
    subject.call::<DeleteVirtualMFADevice>(delete()).await.expect("it is nobody's");
}
