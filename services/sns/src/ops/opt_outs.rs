//! CheckIfPhoneNumberIsOptedOut, ListPhoneNumbersOptedOut and OptInPhoneNumber.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Handle, Transact};
use shapes::ApiError;
use sns_api::op::{CheckIfPhoneNumberIsOptedOut, ListPhoneNumbersOptedOut, OptInPhoneNumber};
use sns_api::{
    CheckIfPhoneNumberIsOptedOutInput, CheckIfPhoneNumberIsOptedOutOutput, ListPhoneNumbersOptedOutInput,
    ListPhoneNumbersOptedOutOutput, OptInPhoneNumberInput, OptInPhoneNumberOutput,
};
use store::{Order, Range, Tx};

use crate::text_message::{OPT_IN_PAUSE, OptOut, is_phone_number};
use crate::{Sns, errors, tables};

/// API Reference, ListPhoneNumbersOptedOut.
const PAGE: usize = 100;

fn check(number: &str) -> Result<(), ApiError> {
    match is_phone_number(number) {
        true => Ok(()),
        false => Err(errors::invalid_because("PhoneNumber", "input incorrectly formatted")),
    }
}

impl Handle<CheckIfPhoneNumberIsOptedOut> for Sns {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CheckIfPhoneNumberIsOptedOutInput,
    ) -> Result<CheckIfPhoneNumberIsOptedOutOutput, ApiError> {
        check(&input.phone_number)?;
        let entry = tables::OPT_OUTS.find(&mut ctx.read()?, &input.phone_number)?;
        let is_out = entry.is_some_and(|entry| entry.is_out);
        Ok(CheckIfPhoneNumberIsOptedOutOutput { is_opted_out: Some(is_out) })
    }
}

impl Handle<ListPhoneNumbersOptedOut> for Sns {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListPhoneNumbersOptedOutInput,
    ) -> Result<ListPhoneNumbersOptedOutOutput, ApiError> {
        let range = match input.next_token.filter(|token| !token.is_empty()) {
            Some(last) => Range::all().after(&last),
            None => Range::all(),
        };
        let (mut numbers, mut next_token) = (Vec::new(), None);
        tables::OPT_OUTS.visit(&mut ctx.read()?, &range, Order::Ascending, |number, entry| {
            if numbers.len() == PAGE {
                next_token = numbers.last().cloned();
                return ControlFlow::Break(());
            }
            if entry.is_out {
                numbers.push(number);
            }
            ControlFlow::Continue(())
        })?;
        Ok(ListPhoneNumbersOptedOutOutput { phone_numbers: Some(numbers), next_token })
    }
}

impl Transact<OptInPhoneNumber> for Sns {
    type Draft = String;

    fn prepare(&self, _: &Ctx, input: OptInPhoneNumberInput) -> Result<String, ApiError> {
        check(&input.phone_number)?;
        Ok(input.phone_number)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, number: &String) -> Result<OptInPhoneNumberOutput, ApiError> {
        let Some(entry) = tables::OPT_OUTS.find(tx, number)?.filter(|entry| entry.is_out) else {
            return Ok(OptInPhoneNumberOutput {});
        };
        if entry.opted_in.is_some_and(|before| before + OPT_IN_PAUSE > ctx.now()) {
            return Err(errors::invalid(
                "PhoneNumber Reason: a phone number can be opted in only once every 30 days",
            ));
        }
        let entry = OptOut { is_out: false, opted_in: Some(ctx.now()) };
        tables::OPT_OUTS.put(tx, number, &entry);
        Ok(OptInPhoneNumberOutput {})
    }
}
