//! That there is no throughput left, told apart from all other errors by its type.

use std::sync::Arc;

use dynamodb_api::{CancellationReason, ProvisionedThroughputExceededException, ThrottlingReason, error};
use shapes::ApiError;
use store::StoreError;

use crate::definitions::Table;
use crate::usage::{Direction, Usage};

/// Why a read or a write did not happen.
#[derive(Debug)]
pub(crate) enum Refusal {
    Throttled(Throttled),
    Other(ApiError),
}

/// A table or a global index has no units left.
#[derive(Debug)]
pub(crate) struct Throttled {
    table: Arc<Table>,
    index: Option<String>,
    direction: Direction,
    is_provisioned: bool,
}

impl From<Throttled> for Refusal {
    fn from(throttled: Throttled) -> Self {
        Self::Throttled(throttled)
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Other(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

impl Refusal {
    /// The error of the request, which is one of `operation`'s.
    pub(crate) fn refuse(self, operation: &'static str) -> ApiError {
        match self {
            Self::Throttled(throttled) => throttled.refuse(operation),
            Self::Other(error) => error,
        }
    }
}

impl Throttled {
    pub(super) fn new(table: &Arc<Table>, usage: &Usage, direction: Direction) -> Self {
        let index = usage.index().map(str::to_owned);
        let is_provisioned = table.is_provisioned();
        Self { table: Arc::clone(table), index, direction, is_provisioned }
    }

    /// The error of the request, which is one of `operation`'s and counted as throttled.
    pub(crate) fn refuse(&self, operation: &'static str) -> ApiError {
        self.table.usage.count_refused(operation);
        let reasons = Some(vec![self.reason()]);
        if self.is_provisioned {
            let detail =
                ProvisionedThroughputExceededException { throttling_reasons: reasons, ..Default::default() };
            return error::provisioned_throughput_exceeded_exception(self.message()).with_detail(detail);
        }
        let detail = dynamodb_api::ThrottlingException { throttling_reasons: reasons, ..Default::default() };
        error::throttling_exception(self.message()).with_detail(detail)
    }

    /// What a batch of statements or a transaction tells of the part that met it (API Reference, TransactWriteItems,
    /// "TransactionCanceledException").
    pub(crate) fn code(&self) -> &'static str {
        if self.is_provisioned { "ProvisionedThroughputExceeded" } else { "ThrottlingError" }
    }

    pub(crate) fn cancellation(&self) -> CancellationReason {
        CancellationReason {
            code: Some(self.code().to_owned()),
            message: Some(self.message().to_owned()),
            item: None,
        }
    }

    pub(crate) fn message(&self) -> &'static str {
        match (self.is_provisioned, &self.index) {
            (false, _) => "Throughput exceeds the maximum OnDemandThroughput configured on table or index",
            (true, None) => {
                "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
                 provisioning level with the UpdateTable API."
            }
            (true, Some(_)) => {
                "The level of configured provisioned throughput for one or more global secondary indexes of the table \
                 was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary \
                 indexes with the UpdateTable API"
            }
        }
    }

    /// API Reference, ThrottlingReason: what, by which operation, over which limit.
    fn reason(&self) -> ThrottlingReason {
        let place = if self.index.is_some() { "Index" } else { "Table" };
        let way = match self.direction {
            Direction::Read => "Read",
            Direction::Write => "Write",
        };
        let kind = if self.is_provisioned { "Provisioned" } else { "MaxOnDemand" };
        let resource = match &self.index {
            Some(index) => format!("{}/index/{index}", self.table.arn),
            None => self.table.arn.clone(),
        };
        ThrottlingReason {
            reason: Some(format!("{place}{way}{kind}ThroughputExceeded")),
            resource: Some(resource),
        }
    }
}
