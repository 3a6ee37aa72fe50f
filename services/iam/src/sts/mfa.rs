//! Second factors that come with a request for a session.

use cloud::Ctx;
use identity::AccountId;
use shapes::ApiError;
use store::{Reader, Tx};

use crate::credentials::MfaDevice;
use crate::ops::mfa_devices::device_seconds;
use crate::tables::{MFA_DEVICES, account_scope};

/// A code that is right, and not taken yet.
pub(crate) struct Proof {
    account: AccountId,
    serial: String,
    step: i64,
}

fn refused(message: &str) -> ApiError {
    ApiError::with_status(403, "AccessDenied", message)
}

fn wrong_code() -> ApiError {
    refused("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
}

fn find(rows: &mut dyn Reader, serial: &str, owner: &str) -> Result<MfaDevice, ApiError> {
    let device = MFA_DEVICES.find(rows, &serial.to_owned())?;
    device.filter(|device| device.owner.as_deref() == Some(owner)).ok_or_else(|| {
        refused(
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is \
             valid and associated with this user.",
        )
    })
}

/// The caller's second factor, if the request brings one: serial number and code belong together.
pub(crate) fn proof(
    ctx: &Ctx,
    serial: Option<String>,
    code: Option<String>,
) -> Result<Option<Proof>, ApiError> {
    let (serial, code) = match (serial, code) {
        (None, None) => return Ok(None),
        (Some(serial), Some(code)) => (serial, code),
        _ => {
            return Err(refused(
                "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
            ));
        }
    };
    let account = ctx.account();
    let mut rows = ctx.store().read(&account_scope(account))?;
    let device = find(&mut rows, &serial, &ctx.principal().arn())?;
    let step = device.step_of(&code, device_seconds(ctx)).ok_or_else(wrong_code)?;
    Ok(Some(Proof { account, serial, step }))
}

impl Proof {
    /// Takes the code, which opens once.
    pub(crate) fn take(&self, tx: &mut Tx<'_>) -> Result<(), ApiError> {
        tx.with_scope(&account_scope(self.account), |rows| {
            let mut device = MFA_DEVICES.find(rows, &self.serial)?.ok_or_else(wrong_code)?;
            if device.last_step >= self.step {
                return Err(wrong_code());
            }
            device.last_step = self.step;
            MFA_DEVICES.put(rows, &self.serial, &device);
            Ok(())
        })
    }
}
