//! Schedules.

use cloud::Ctx;
use scheduler_api::{GetScheduleInput, ListSchedulesInput, op};
use shapes::ApiError;

use crate::admin::document::{at, items, laid_out, look, pretty};
use crate::admin::section::{Found, PAGE, Part, Section};

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let input = ListSchedulesInput {
        max_results: Some(PAGE as i32),
        name_prefix: part.prefix(),
        next_token: part.after.clone(),
        ..Default::default()
    };
    let answer = look::<op::ListSchedules>(ctx, input).await?;
    let section = Section::new("scheduler", "Schedules", &["Name", "Group", "State", "Target", "Modified"])
        .resources(
            items(&answer, "Schedules"),
            &["Name", "GroupName", "State", "Target/Arn", "LastModificationDate"],
            |schedule| at(schedule, "Arn"),
        );
    Ok(section.with_prefix().next(at(&answer, "NextToken")))
}

/// By `schedule/GROUP/NAME`.
pub(super) async fn describe(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    let mut names = resource.split('/').skip(1).map(str::to_owned);
    let (group_name, name) = (names.next(), names.next().unwrap_or_default());
    let schedule = look::<op::GetSchedule>(ctx, GetScheduleInput { group_name, name: name.clone() }).await?;
    Ok(Found::titled(&name)
        .facts(
            &schedule,
            &[
                ("State", "State"),
                ("Expression", "ScheduleExpression"),
                ("Time zone", "ScheduleExpressionTimezone"),
                ("Group", "GroupName"),
                ("Window", "FlexibleTimeWindow/Mode"),
                ("From", "StartDate"),
                ("Until", "EndDate"),
                ("Target", "Target/Arn"),
                ("Role", "Target/RoleArn"),
                ("Dead letters to", "Target/DeadLetterConfig/Arn"),
                ("When it is over", "ActionAfterCompletion"),
                ("Description", "Description"),
            ],
        )
        .document("Input", laid_out(&at(&schedule, "Target/Input")))
        .document("Schedule", pretty(&schedule)))
}
