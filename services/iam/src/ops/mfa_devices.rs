//! CreateVirtualMFADevice, EnableMFADevice, ResyncMFADevice, GetMFADevice, ListMFADevices, ListVirtualMFADevices,
//! DeactivateMFADevice, DeleteVirtualMFADevice and tags of devices.

use bytes::Bytes;
use cloud::{Ctx, Guard};
use iam_api::{
    CreateVirtualMFADeviceOutput, GetMFADeviceOutput, ListMFADeviceTagsOutput, ListMFADevicesOutput,
    ListVirtualMFADevicesOutput, MFADevice, VirtualMFADevice,
};
use shapes::ApiError;
use store::{Range, Reader, Tx};

use super::form::{change, look, page, tagging};
use super::users::named_or_own;
use crate::credentials::MfaDevice;
use crate::errors;
use crate::owner::Kind;
use crate::tables::{MFA_DEVICES, MFA_OF_USERS, Mark, USERS};
use crate::tags::{asked, tags_of, tags_to_api};

/// Devices of one user at most ("IAM and AWS STS quotas").
const MOST: usize = 8;
/// Steps around now in which a device's clock is looked for when it is set right.
const RESYNC_STEPS: i64 = 240;
const ENABLE_STEPS: i64 = 10;

fn not_found(serial: &str) -> ApiError {
    errors::no_such_entity(format!("VirtualMFADevice with serial number {serial} doesn't exist."))
}

fn find(rows: &mut dyn Reader, serial: &str) -> Result<MfaDevice, ApiError> {
    MFA_DEVICES.find(rows, &serial.to_owned())?.ok_or_else(|| not_found(serial))
}

/// One of the user's devices.
fn find_of_user(rows: &mut dyn Reader, user: &str, serial: &str) -> Result<MfaDevice, ApiError> {
    if !MFA_OF_USERS.contains(rows, &(user.to_owned(), serial.to_owned()))? {
        let message = format!("MFA Device with serial number {serial} doesn't exist.");
        return Err(errors::no_such_entity(message));
    }
    find(rows, serial)
}

/// The machine's time, which is the time of devices: they know nothing of how far the region's clock is ahead.
pub(crate) fn device_seconds(ctx: &Ctx) -> i64 {
    let ahead = i64::try_from(ctx.cloud().clock().offset().as_secs()).unwrap_or_default();
    ctx.now().seconds() - ahead
}

fn wrong_code(serial: &str) -> ApiError {
    let message = format!("Authentication code for device {serial} is not valid.");
    ApiError::with_status(403, "InvalidAuthenticationCode", message)
}

/// Moves the devices of a user that gets another name.
pub(super) fn rename(rows: &mut Tx<'_>, from: &str, to: &str) -> Result<(), ApiError> {
    for ((_, serial), _) in MFA_OF_USERS.list(rows, &Range::prefix(&from.to_owned()), usize::MAX)? {
        let mut device = find(rows, &serial)?;
        device.user = Some(to.to_owned());
        MFA_DEVICES.put(rows, &serial, &device);
        MFA_OF_USERS.delete(rows, &(from.to_owned(), serial.clone()));
        MFA_OF_USERS.put(rows, &(to.to_owned(), serial), &Mark);
    }
    Ok(())
}

fn arn(ctx: &Ctx, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{}:mfa{path}{name}", ctx.account())
}

change! { CreateVirtualMFADevice(ctx, rows, input)
    guard {
        let serial = arn(ctx, input.path.as_deref().unwrap_or("/"), &input.virtual_mfa_device_name);
        Ok(asked(Guard::resource(serial), input.tags.as_ref()))
    };
    {
        let serial = arn(ctx, input.path.as_deref().unwrap_or("/"), &input.virtual_mfa_device_name);
        if MFA_DEVICES.contains(rows, &serial)? {
            return Err(errors::already_there("MFADevice entity at the same path and name already exists."));
        }
        let device = MfaDevice {
            seed: ctx.ids().bytes(),
            created: ctx.now(),
            enabled: None,
            owner: None,
            user: None,
            last_step: i64::MIN,
            tags: tags_of(input.tags.as_ref())?,
        };
        MFA_DEVICES.put(rows, &serial, &device);
        Ok(CreateVirtualMFADeviceOutput {
            virtual_mfa_device: VirtualMFADevice {
                serial_number: serial,
                base32_string_seed: Some(Bytes::from(device.seed_text())),
                tags: tags_to_api(&device.tags),
                ..Default::default()
            },
        })
    }
}

change! { EnableMFADevice(ctx, rows, input)
    guard Kind::User.guard(ctx, &input.user_name);
    {
        let (name, serial) = (&input.user_name, &input.serial_number);
        let user = USERS.find(rows, name)?.ok_or_else(|| errors::not_found("user", name))?;
        let mut device = find(rows, serial)?;
        if device.owner.is_some() {
            return Err(errors::already_there(format!("MFA Device {serial} is already in use")));
        }
        if MFA_OF_USERS.list(rows, &Range::prefix(name), MOST)?.len() >= MOST {
            return Err(errors::limit_exceeded(format!("Cannot exceed quota for MFADevicesPerUser: {MOST}")));
        }
        let (first, second) = (&input.authentication_code1, &input.authentication_code2);
        let step = device.step_of_pair(first, second, device_seconds(ctx), ENABLE_STEPS);
        device.last_step = step.ok_or_else(|| wrong_code(serial))?;
        device.enabled = Some(ctx.now());
        device.owner = Some(user.arn(ctx.account()));
        device.user = Some(name.clone());
        MFA_DEVICES.put(rows, serial, &device);
        MFA_OF_USERS.put(rows, &(name.clone(), serial.clone()), &Mark);
        Ok(Default::default())
    }
}

change! { ResyncMFADevice(ctx, rows, input)
    guard Kind::User.guard(ctx, &input.user_name);
    {
        let serial = &input.serial_number;
        Kind::User.check_exists(rows, &input.user_name)?;
        let mut device = find_of_user(rows, &input.user_name, serial)?;
        let (first, second) = (&input.authentication_code1, &input.authentication_code2);
        let step = device.step_of_pair(first, second, device_seconds(ctx), RESYNC_STEPS);
        device.last_step = step.ok_or_else(|| wrong_code(serial))?;
        MFA_DEVICES.put(rows, serial, &device);
        Ok(Default::default())
    }
}

change! { DeactivateMFADevice(ctx, rows, input)
    guard match &input.user_name {
        Some(name) => Kind::User.guard(ctx, name),
        None => Ok(Guard::any()),
    };
    {
        let serial = &input.serial_number;
        let user = named_or_own(ctx, input.user_name.as_deref())?;
        Kind::User.check_exists(rows, &user)?;
        let mut device = find_of_user(rows, &user, serial)?;
        (device.enabled, device.owner, device.user) = (None, None, None);
        MFA_DEVICES.put(rows, serial, &device);
        MFA_OF_USERS.delete(rows, &(user, serial.clone()));
        Ok(Default::default())
    }
}

change! { DeleteVirtualMFADevice(ctx, rows, input)
    guard Ok(Guard::resource(input.serial_number.clone()));
    {
        if find(rows, &input.serial_number)?.owner.is_some() {
            return Err(errors::delete_conflict("Device is already attached to a user and cannot be deleted."));
        }
        MFA_DEVICES.delete(rows, &input.serial_number);
        Ok(Default::default())
    }
}

look! { GetMFADevice(ctx, rows, input)
    guard match &input.user_name {
        Some(name) => Kind::User.guard(ctx, name),
        None => Ok(Guard::any()),
    };
    {
        let device = match &input.user_name {
            Some(user) => find_of_user(rows, user, &input.serial_number)?,
            None => find(rows, &input.serial_number)?,
        };
        Ok(GetMFADeviceOutput {
            user_name: device.user,
            serial_number: input.serial_number,
            enable_date: device.enabled,
            ..Default::default()
        })
    }
}

look! { ListMFADevices(ctx, rows, input)
    guard Kind::User.guard(ctx, &named_or_own(ctx, input.user_name.as_deref())?);
    {
        let user = named_or_own(ctx, input.user_name.as_deref())?;
        Kind::User.check_exists(rows, &user)?;
        let mut devices = Vec::new();
        for ((_, serial), _) in MFA_OF_USERS.list(rows, &Range::prefix(&user), usize::MAX)? {
            let device = find(rows, &serial)?;
            let told = MFADevice {
                user_name: user.clone(),
                serial_number: serial.clone(),
                enable_date: device.enabled.unwrap_or(device.created),
            };
            devices.push((serial, told));
        }
        let page = page(devices, input.marker.as_deref(), input.max_items);
        Ok(ListMFADevicesOutput {
            mfa_devices: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

look! { ListVirtualMFADevices(ctx, rows, input)
    guard Ok(Guard::any());
    {
        let mut devices = Vec::new();
        for (serial, device) in MFA_DEVICES.list(rows, &Range::all(), usize::MAX)? {
            let is_wanted = match input.assignment_status.as_deref() {
                Some("Assigned") => device.owner.is_some(),
                Some("Unassigned") => device.owner.is_none(),
                _ => true,
            };
            if !is_wanted {
                continue;
            }
            let user = match &device.user {
                Some(name) => USERS.find(rows, name)?.map(|user| user.to_api(ctx.account())),
                None => None,
            };
            let told = VirtualMFADevice {
                serial_number: serial.clone(),
                enable_date: device.enabled,
                user,
                tags: tags_to_api(&device.tags),
                ..Default::default()
            };
            devices.push((serial, told));
        }
        let page = page(devices, input.marker.as_deref(), input.max_items);
        Ok(ListVirtualMFADevicesOutput {
            virtual_mfa_devices: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

fn guard(_: &Ctx, serial: &str) -> Result<Guard, ApiError> {
    Ok(Guard::resource(serial))
}

/// A device with its serial number.
struct Tagged {
    serial: String,
    device: MfaDevice,
}

impl std::ops::Deref for Tagged {
    type Target = MfaDevice;
    fn deref(&self) -> &MfaDevice {
        &self.device
    }
}

impl std::ops::DerefMut for Tagged {
    fn deref_mut(&mut self) -> &mut MfaDevice {
        &mut self.device
    }
}

fn tagged(_: &Ctx, rows: &mut dyn Reader, serial: &str) -> Result<Tagged, ApiError> {
    Ok(Tagged { serial: serial.to_owned(), device: find(rows, serial)? })
}

fn put(rows: &mut Tx<'_>, tagged: &Tagged) {
    MFA_DEVICES.put(rows, &tagged.serial, &tagged.device);
}

tagging!(
    TagMFADevice, UntagMFADevice, ListMFADeviceTags -> ListMFADeviceTagsOutput,
    serial_number, guard guard, find tagged, put put
);
