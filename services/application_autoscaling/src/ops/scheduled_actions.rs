//! PutScheduledAction, DescribeScheduledActions and DeleteScheduledAction.

use std::sync::Arc;

use application_autoscaling_api as api;
use application_autoscaling_api::op::{DeleteScheduledAction, DescribeScheduledActions, PutScheduledAction};
use cloud::{Ctx, Guard, Handle, Transact};
use shapes::ApiError;
use store::{Range, Tx};

use super::{Filter, guard, page};
use crate::dimension::Place;
use crate::tables::ACTIONS;
use crate::{AutoScaling, errors, scheduled_action, target};

impl Transact<PutScheduledAction> for AutoScaling {
    type Draft = (Place, api::PutScheduledActionInput);

    fn guard(&self, _: &Ctx, input: &api::PutScheduledActionInput) -> Result<Guard, ApiError> {
        Ok(guard(&input.service_namespace, &input.scalable_dimension))
    }

    fn prepare(&self, _: &Ctx, input: api::PutScheduledActionInput) -> Result<Self::Draft, ApiError> {
        let name = &input.scheduled_action_name;
        let is_odd = |character: char| character.is_control() || [':', '/', '|'].contains(&character);
        if name.trim_matches(' ') != name || name.contains(is_odd) {
            return Err(errors::validation(
                "A scheduled action's name must not contain :, /, | or control characters, nor begin or end with a space",
            ));
        }
        let place = Place::parse(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
        Ok((place, input))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (place, input): &Self::Draft,
    ) -> Result<api::PutScheduledActionOutput, ApiError> {
        target::find(tx, place)?;
        let key = (place.key(), input.scheduled_action_name.clone());
        let known = ACTIONS.find(tx, &key)?;
        let number = ACTIONS.list(tx, &Range::prefix(&key.0), scheduled_action::MOST)?.len();
        if known.is_none() && number >= scheduled_action::MOST {
            return Err(errors::too_many("scheduled actions", scheduled_action::MOST));
        }
        let mut row = scheduled_action::of(ctx, input, known)?;
        scheduled_action::set(ctx, tx, &key, &mut row, ctx.now());
        ACTIONS.put(tx, &key, &row);
        Ok(api::PutScheduledActionOutput::default())
    }
}

impl Transact<DeleteScheduledAction> for AutoScaling {
    type Draft = (Place, String);

    fn guard(&self, _: &Ctx, input: &api::DeleteScheduledActionInput) -> Result<Guard, ApiError> {
        Ok(guard(&input.service_namespace, &input.scalable_dimension))
    }

    fn prepare(&self, _: &Ctx, input: api::DeleteScheduledActionInput) -> Result<Self::Draft, ApiError> {
        let place = Place::parse(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
        Ok((place, input.scheduled_action_name))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (place, name): &Self::Draft,
    ) -> Result<api::DeleteScheduledActionOutput, ApiError> {
        let key = (place.key(), name.clone());
        let mut row = ACTIONS.find(tx, &key)?.ok_or_else(|| errors::no_such_action(place, name))?;
        scheduled_action::stop(tx, &mut row);
        ACTIONS.delete(tx, &key);
        Ok(api::DeleteScheduledActionOutput::default())
    }
}

impl Handle<DescribeScheduledActions> for AutoScaling {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DescribeScheduledActionsInput,
    ) -> Result<api::DescribeScheduledActionsOutput, ApiError> {
        let resources = input.resource_id.map(|id| vec![id]);
        let filter = Filter::new(&input.service_namespace, resources, input.scalable_dimension)?;
        let rows = ACTIONS.list(&mut ctx.read()?, &Range::all(), usize::MAX)?;
        let names = input.scheduled_action_names;
        let all = rows
            .into_iter()
            .filter(|((_, name), _)| names.as_ref().is_none_or(|names| names.contains(name)))
            .filter_map(|((place, name), row)| Some((Place::of_key(&place)?, name, row)))
            .filter(|(place, ..)| filter.admits(place))
            .map(|(place, name, row)| (format!("{}|{name}", place.key()), row.to_api(ctx, &place, &name)));
        let (actions, next_token) = page(all.collect(), input.next_token.as_deref(), input.max_results)?;
        Ok(api::DescribeScheduledActionsOutput { scheduled_actions: Some(actions), next_token })
    }
}
