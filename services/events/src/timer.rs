//! Rules that fall due by a schedule.

use cloud::Ctx;
use shapes::ApiError;
use store::Tx;

use crate::errors;
use crate::rule::{Rule, RuleArn};

pub(crate) fn parse(_: &str) -> Result<(), ApiError> {
    Err(errors::is_not_here_yet("ScheduleExpression is"))
}

pub(crate) fn set(_: &Ctx, _: &mut Tx<'_>, _: &RuleArn, _: &mut Rule) -> Result<(), ApiError> {
    Ok(())
}

pub(crate) fn stop(_: &mut Tx<'_>, _: &mut Rule) {}
