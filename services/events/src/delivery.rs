//! From a rule that was set off to its targets' deliveries.

use cloud::Ctx;
use shapes::ApiError;
use store::Tx;
use targets::{DeadLetter, Delivery, Failure, Origin, Outcome};

use crate::Events;
use crate::event::Event;
use crate::matching::{CompiledRule, CompiledTarget};
use crate::rule::RuleArn;

pub(crate) const KIND: &str = "events/delivery";

/// Counts what became of a delivery, under AWS's names (EventBridge User Guide, "Monitoring Amazon EventBridge").
pub(crate) fn count(ctx: &Ctx, delivery: &Delivery, outcome: Outcome) {
    let Some(rule) = RuleArn::parse(&delivery.origin.arn) else { return };
    let names: &[&'static str] = match outcome {
        Outcome::Delivered => &["Invocations", "SuccessfulInvocationAttempts"],
        Outcome::TriedInVain => &["RetryInvocationAttempts"],
        Outcome::Failed => &["Invocations", "FailedInvocations"],
        Outcome::SentToDeadLetterQueue => &["InvocationsSentToDlq"],
        Outcome::RefusedByDeadLetterQueue => &["InvocationsFailedToBeSentToDlq"],
    };
    for name in names {
        ctx.publish("AWS/Events", name, ("RuleName", &rule.name), 1.0);
    }
}

/// A delivery without its payload.
pub(crate) fn draft(ctx: &Ctx, rule: &CompiledRule, target: &CompiledTarget, event: &Event) -> Delivery {
    let bus = &rule.arn.bus;
    let configured = &target.target;
    let dead_letter = configured.dead_letter_queue.as_ref().map(|queue| DeadLetter {
        queue: queue.clone(),
        body: Some(event.text()),
        attributes: vec![
            ("RULE_ARN".to_owned(), rule.text.clone()),
            ("TARGET_ARN".to_owned(), configured.target.arn.clone()),
        ],
        has_target_codes: false,
    });
    Delivery {
        origin: Origin { arn: rule.text.clone(), account: bus.account, region: bus.region },
        target: configured.target.clone(),
        payload: String::new(),
        trace: event.trace.clone().unwrap_or_else(|| ctx.trace().to_string()),
        retry: configured.retry(),
        dead_letter,
        began: event.ingested,
    }
}

impl Events {
    /// Gives a delivery up before it was tried.
    pub(crate) fn refuse(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        delivery: &Delivery,
        failure: &Failure,
    ) -> Result<(), ApiError> {
        self.courier.give_up_within(ctx, tx, delivery, failure, None, 0)
    }
}
