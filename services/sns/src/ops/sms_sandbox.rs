//! The operations on an account's SMS sandbox. Accounts here are never in it, since no message leaves the region; its
//! numbers are verified all the same, by the one-time password in the inbox.

use std::sync::Arc;

use cloud::{Ctx, Handle, Transact};
use shapes::ApiError;
use sns_api::op::{
    CreateSMSSandboxPhoneNumber, DeleteSMSSandboxPhoneNumber, GetSMSSandboxAccountStatus,
    ListSMSSandboxPhoneNumbers, VerifySMSSandboxPhoneNumber,
};
use sns_api::{
    CreateSMSSandboxPhoneNumberInput, CreateSMSSandboxPhoneNumberOutput, DeleteSMSSandboxPhoneNumberInput,
    DeleteSMSSandboxPhoneNumberOutput, GetSMSSandboxAccountStatusInput, GetSMSSandboxAccountStatusOutput,
    ListSMSSandboxPhoneNumbersInput, ListSMSSandboxPhoneNumbersOutput, SMSSandboxPhoneNumber,
    VerifySMSSandboxPhoneNumberInput, VerifySMSSandboxPhoneNumberOutput,
};
use store::{Range, Tx};

use crate::text_message::{SandboxNumber, TextMessage, check_target};
use crate::{Sns, inbox, tables};

/// Developer Guide, "SMS sandbox".
const MOST_NUMBERS: usize = 10;

impl Transact<CreateSMSSandboxPhoneNumber> for Sns {
    type Draft = (String, String);

    fn prepare(&self, ctx: &Ctx, input: CreateSMSSandboxPhoneNumberInput) -> Result<Self::Draft, ApiError> {
        check_target(&input.phone_number)?;
        let number = u32::from_le_bytes(ctx.ids().bytes()) % 1_000_000;
        Ok((input.phone_number, format!("{number:06}")))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (number, password): &Self::Draft,
    ) -> Result<CreateSMSSandboxPhoneNumberOutput, ApiError> {
        if tables::OPT_OUTS.find(tx, number)?.is_some_and(|entry| entry.is_out) {
            return Err(sns_api::error::opted_out_exception(format!("{number} is opted out")));
        }
        let present = tables::SANDBOX_NUMBERS.list(tx, &Range::all(), MOST_NUMBERS + 1)?;
        let before = present.iter().find(|(known, _)| known == number).map(|(_, row)| row);
        if before.is_none() && present.len() >= MOST_NUMBERS {
            return Err(sns_api::error::user_error_exception(format!(
                "An account has at most {MOST_NUMBERS} destination phone numbers in its sandbox"
            )));
        }
        let is_verified = before.is_some_and(|row| row.is_verified);
        tables::SANDBOX_NUMBERS.put(tx, number, &SandboxNumber { password: password.clone(), is_verified });
        let text = TextMessage {
            id: ctx.ids().uuid(),
            to: number.clone(),
            sender: None,
            kind: "Transactional".to_owned(),
            body: format!("Your verification code is {password}"),
            time: ctx.now(),
        };
        inbox::keep(tx, ctx.account(), &text)?;
        Ok(CreateSMSSandboxPhoneNumberOutput {})
    }
}

impl Transact<VerifySMSSandboxPhoneNumber> for Sns {
    type Draft = VerifySMSSandboxPhoneNumberInput;

    fn prepare(&self, _: &Ctx, input: VerifySMSSandboxPhoneNumberInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<VerifySMSSandboxPhoneNumberOutput, ApiError> {
        let mut row = find(tx, &input.phone_number)?;
        if row.password != input.one_time_password {
            return Err(sns_api::error::verification_exception("The one-time password is not valid."));
        }
        row.is_verified = true;
        tables::SANDBOX_NUMBERS.put(tx, &input.phone_number, &row);
        Ok(VerifySMSSandboxPhoneNumberOutput {})
    }
}

impl Transact<DeleteSMSSandboxPhoneNumber> for Sns {
    type Draft = String;

    fn prepare(&self, _: &Ctx, input: DeleteSMSSandboxPhoneNumberInput) -> Result<String, ApiError> {
        Ok(input.phone_number)
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        number: &String,
    ) -> Result<DeleteSMSSandboxPhoneNumberOutput, ApiError> {
        find(tx, number)?;
        tables::SANDBOX_NUMBERS.delete(tx, number);
        Ok(DeleteSMSSandboxPhoneNumberOutput {})
    }
}

fn find(tx: &mut Tx<'_>, number: &String) -> Result<SandboxNumber, ApiError> {
    let row = tables::SANDBOX_NUMBERS.find(tx, number)?;
    row.ok_or_else(|| {
        sns_api::error::resource_not_found_exception("The destination phone number was not found")
    })
}

impl Handle<ListSMSSandboxPhoneNumbers> for Sns {
    /// All on one page.
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        _: ListSMSSandboxPhoneNumbersInput,
    ) -> Result<ListSMSSandboxPhoneNumbersOutput, ApiError> {
        let rows = tables::SANDBOX_NUMBERS.list(&mut ctx.read()?, &Range::all(), MOST_NUMBERS)?;
        let show = |(number, row): (String, SandboxNumber)| SMSSandboxPhoneNumber {
            phone_number: Some(number),
            status: Some(if row.is_verified { "Verified" } else { "Pending" }.to_owned()),
        };
        let phone_numbers = rows.into_iter().map(show).collect();
        Ok(ListSMSSandboxPhoneNumbersOutput { phone_numbers, next_token: None })
    }
}

impl Handle<GetSMSSandboxAccountStatus> for Sns {
    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        _: GetSMSSandboxAccountStatusInput,
    ) -> Result<GetSMSSandboxAccountStatusOutput, ApiError> {
        Ok(GetSMSSandboxAccountStatusOutput { is_in_sandbox: false })
    }
}
